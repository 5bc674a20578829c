//! What a gate is told, and what a passage does to a meal: pure rules. Nothing here, nor in the modules around, knows what a family owes.

use crate::{
    canteen::meals::state::{MealEvent, MealState},
    kernel::ids::DinerId,
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

text_enum! {
    /// Why somebody eats, or not.
    pub enum PassReason {
        /// His meal is waiting for him.
        Reserved = "reserved",
        /// It was cancelled in time: a meal without reservation, where the collège lets such people eat.
        Cancelled = "cancelled",
        /// He reserved none for that day: likewise.
        NotEnrolled = "not_enrolled",
        AlreadyPassed = "already_passed",
        UnknownCard = "unknown_card",
        UnknownCode = "unknown_code",
        /// A text of a telephone that is not of the moment.
        StaleCode = "stale_code",
        /// Lost, replaced or past its last day. The child eats with a one-day code.
        CardNotInUse = "card_not_in_use",
        OtherCollege = "other_college",
        /// No meal is served there on that day.
        Closed = "closed",
        /// It comes more than 31 days after its day.
        TooLate = "too_late",
        /// It was read at an instant to come.
        ClockAhead = "clock_ahead",
        /// Its number is too far above those of its gate.
        NumberAhead = "number_ahead",
    }
}

text_enum! {
    /// What became of a passage.
    pub enum PassOutcome {
        /// It counts for the diner's meal of that day.
        Counted = "counted",
        /// The diner had passed already, at this gate or another one: his meal is counted once.
        Double = "double",
        /// He was not let in.
        Refused = "refused",
        /// Nobody is known by what was shown.
        Unknown = "unknown",
        /// Nothing is served there on that day, or the passage comes more than 31 days late.
        NotServed = "not_served",
        /// The attendance of that day is locked: kept, and moves nothing.
        Locked = "locked",
        /// Another passage came under that number: not kept.
        NumberUsed = "number_used",
        /// It was read at an instant to come: not kept, and the number is free for the right instant.
        ClockAhead = "clock_ahead",
        /// Its number is more than 50,000 above the highest that its gate had used: not kept, and the number is free.
        NumberAhead = "number_ahead",
    }
}

/// What was shown, once looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    NobodysCard,
    NobodysCode,
    StaleCode,
    CardNotInUse,
    Diner,
}

/// All that the decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or not, whatever the others are")]
pub struct Facts {
    pub shown: Shown,
    /// Its day is over for too long.
    pub too_late: bool,
    /// The diner is of this collège.
    pub here: bool,
    /// Meals are served in this collège in general: in scope, by this operator.
    pub open: bool,
    /// And on that day, by the calendar and its closures.
    pub served: bool,
    /// This collège lets those eat who reserved nothing.
    pub walk_ins: bool,
    pub meal: Option<MealState>,
}

/// What the gate is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub eats: bool,
    pub reason: PassReason,
}

impl PassReason {
    /// As the person at the gate reads it.
    #[must_use]
    pub const fn sentence(self, eats: bool) -> &'static str {
        match (self, eats) {
            (Self::Reserved, _) => "Repas réservé : bon appétit.",
            (Self::Cancelled, true) => "Repas annulé : servi sans réservation.",
            (Self::Cancelled, false) => "Repas annulé : ce collège ne sert pas sans réservation.",
            (Self::NotEnrolled, true) => "Pas de repas réservé aujourd'hui : servi sans réservation.",
            (Self::NotEnrolled, false) => "Pas de repas réservé aujourd'hui : ce collège ne sert pas sans réservation.",
            (Self::AlreadyPassed, _) => "Déjà passé aujourd'hui.",
            (Self::UnknownCard, _) => "Cette carte n'est pas reconnue.",
            (Self::UnknownCode, _) => "Ce code du jour n'est pas reconnu.",
            (Self::StaleCode, _) => "Le code affiché n'est pas celui du moment : affichez le suivant.",
            (Self::CardNotInUse, _) => "Cette carte n'est plus en service : le secrétariat donne un code du jour.",
            (Self::OtherCollege, _) => "Cet élève n'est pas attendu dans ce collège.",
            (Self::Closed, _) => "Aucun repas n'est servi ici aujourd'hui.",
            (Self::TooLate, _) => "Passage transmis après plus de 31 jours : il ne compte plus.",
            (Self::ClockAhead, _) => "L'horloge de la borne avance : réglez-la, puis renvoyez ce passage.",
            (Self::NumberAhead, _) => "Ce numéro est trop loin des précédents : envoyez d'abord ceux qui manquent.",
        }
    }
}

/// Who eats.
#[must_use]
pub const fn decide(facts: Facts) -> Decision {
    use PassReason as R;
    let (eats, reason) = match (facts.shown, facts.meal) {
        _ if facts.too_late => (false, R::TooLate),
        _ if !facts.open => (false, R::Closed),
        (Shown::NobodysCard, _) => (false, R::UnknownCard),
        (Shown::NobodysCode, _) => (false, R::UnknownCode),
        (Shown::StaleCode, _) => (false, R::StaleCode),
        (Shown::CardNotInUse, _) => (false, R::CardNotInUse),
        // Elsewhere than where he eats, a gate does not learn whether he has eaten.
        (Shown::Diner, _) if !facts.here => (false, R::OtherCollege),
        (Shown::Diner, Some(MealState::Consumed | MealState::WalkIn)) => (false, R::AlreadyPassed),
        (Shown::Diner, Some(MealState::Reserved | MealState::NoShow | MealState::Excused)) => (true, R::Reserved),
        (Shown::Diner, Some(MealState::Closed)) => (false, R::Closed),
        (Shown::Diner, _) if !facts.served => (false, R::Closed),
        (Shown::Diner, Some(MealState::Cancelled)) => (facts.walk_ins, R::Cancelled),
        (Shown::Diner, None) => (facts.walk_ins, R::NotEnrolled),
    };
    Decision { eats, reason }
}

/// A passage, as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counting {
    pub let_in: bool,
    /// Nobody known, otherwise.
    pub diner: Option<DinerId>,
    pub day: NaiveDate,
    pub open: bool,
    pub locked: bool,
    /// The meal as the database holds it.
    pub meal: Option<MealState>,
}

/// What a passage does: its outcome, and the states between which it moves a meal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    pub outcome: PassOutcome,
    pub from: Option<MealState>,
    pub to: Option<MealState>,
}

/// Passages taken together: each sees the meals as those before it left them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    meals: BTreeMap<(DinerId, NaiveDate), MealState>,
}

impl Tally {
    /// The meal as the passages before left it.
    #[must_use]
    pub fn meal(&self, diner: Option<DinerId>, day: NaiveDate, read: Option<MealState>) -> Option<MealState> {
        diner.and_then(|diner| self.meals.get(&(diner, day)).copied()).or(read)
    }

    /// Who was let in has eaten, whatever the rules would have said: his meal is counted, once.
    pub fn count(&mut self, passage: Counting) -> Effect {
        let Counting { let_in, diner, day, open, locked, meal } = passage;
        let nothing = |outcome| Effect { outcome, from: None, to: None };
        let diner = match diner {
            _ if !let_in => return nothing(PassOutcome::Refused),
            _ if !open => return nothing(PassOutcome::NotServed),
            None => return nothing(PassOutcome::Unknown),
            Some(_) if locked => return nothing(PassOutcome::Locked),
            Some(diner) => diner,
        };
        let from = self.meal(Some(diner), day, meal);
        let to = from.map_or(Some(MealState::WalkIn), |state| state.after(MealEvent::Pass));
        let Some(to) = to else { return nothing(PassOutcome::Double) };
        self.meals.insert((diner, day), to);
        Effect { outcome: PassOutcome::Counted, from, to: Some(to) }
    }
}

#[cfg(test)]
mod tests;
