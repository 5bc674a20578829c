//! A department's rules of one season, as the data that its agents write: dates, formulas, amounts, who is entitled.
//!
//! The types only say what can be read; coherence (no hole, no overlap, ordered dates) is what `SeasonRules::check` says, and only
//! rules without problem may be published. Amounts are cents; dates are civil dates of Europe/Paris and every "until" day is included.

use crate::kernel::{
    department::Department,
    money::{Amount, Cents},
    text::{Code, Label, SeasonCode},
    words::{GrantKind, Level, SchoolKind, WalletKind},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod check;
pub use check::{MAX_DEADLINES, MAX_DEPARTMENTS, MAX_ELIGIBILITY_RULES, MAX_FORMULAS, RuleProblem};

/// The rules of one department for one season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example()))]
pub struct SeasonRules {
    /// First day on which a family may enrol.
    pub opens_on: NaiveDate,
    /// Last day on which a wallet may be debited or a ticket made.
    pub spend_until: NaiveDate,
    /// Last day on which a merchant may capture a ticket made in time.
    pub capture_until: NaiveDate,
    /// One general deadline, and those of profiles that differ by birth date.
    pub deadlines: Vec<Deadline>,
    /// Ways of splitting the right between the wallets, among which a family chooses.
    pub formulas: Vec<Formula>,
    /// One line for each formula, grant and wallet.
    pub amounts: Vec<AmountLine>,
    /// A child is eligible when at least one of these rules is satisfied.
    pub eligibility: Vec<EligibilityRule>,
    /// When the child's school lies in another department that runs this service, that one pays: the request is refused here.
    pub school_department_pays: bool,
}

/// The last day to enrol: for a profile when it has a birth range, for everyone else when it has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "general", "label": "Date limite générale", "born_from": null, "born_until": null, "until": "2027-04-30"}))]
pub struct Deadline {
    pub code: Code,
    pub label: Label,
    /// First birth date of the profile; absent = no lower bound.
    pub born_from: Option<NaiveDate>,
    /// Last birth date of the profile; absent = no upper bound.
    pub born_until: Option<NaiveDate>,
    pub until: NaiveDate,
}

impl Deadline {
    /// Whether it is the one without birth range.
    #[must_use]
    pub const fn is_general(&self) -> bool {
        self.born_from.is_none() && self.born_until.is_none()
    }
}

/// A split of the right between the wallets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "sport", "label": "Plutôt sport"}))]
pub struct Formula {
    pub code: Code,
    pub label: Label,
}

/// What one wallet receives for one grant under one formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"formula": "sport", "grant": "base", "wallet": "sport", "amount_cents": 6000}))]
pub struct AmountLine {
    pub formula: Code,
    pub grant: GrantKind,
    pub wallet: WalletKind,
    pub amount_cents: Amount,
}

/// One way of being entitled: every condition it states must hold; what it leaves out is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "collegiens",
    "label": "Collégiens résidant ou scolarisés dans le département",
    "place": {"residence": ["92"], "school": ["92"]},
    "school_kinds": ["public", "private_under_contract"],
    "levels": ["6e", "5e", "4e", "3e"],
}))]
pub struct EligibilityRule {
    pub code: Code,
    pub label: Label,
    #[serde(default)]
    pub place: PlaceRule,
    /// Kinds of school admitted; empty = any.
    #[serde(default)]
    pub school_kinds: Vec<SchoolKind>,
    /// Levels admitted; empty = any.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// First birth date admitted.
    pub born_from: Option<NaiveDate>,
    /// Last birth date admitted.
    pub born_until: Option<NaiveDate>,
    /// Whether the child must be, or must not be, followed by the child welfare service (ASE); absent = either.
    pub ase: Option<bool>,
}

/// Living **or** being at school in a listed department suffices; both lists empty = anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"residence": ["92"], "school": ["92"]}))]
pub struct PlaceRule {
    /// Departments of residence that suffice.
    #[serde(default)]
    pub residence: Vec<Department>,
    /// Departments of the school that suffice.
    #[serde(default)]
    pub school: Vec<Department>,
}

// `amounts_of` gives one amount a wallet: its array grows with the list of wallets.
const _: () = assert!(WalletKind::ALL.len() == 2, "amounts_of names every wallet");

impl SeasonRules {
    /// The deadline of a child born on that day: its profile's, else the general one. Always one in rules without problem.
    #[must_use]
    pub fn deadline_for(&self, birth: NaiveDate) -> Option<&Deadline> {
        let own = |d: &&Deadline| !d.is_general() && born_within(birth, d.born_from, d.born_until);
        self.deadlines.iter().find(own).or_else(|| self.deadlines.iter().find(|d| d.is_general()))
    }

    /// What each wallet receives for that grant under that formula. `None` when the rules have not exactly one line for each
    /// wallet: a hole or an overlap must never become an amount.
    #[must_use]
    pub fn amounts_of(&self, formula: &Code, grant: GrantKind) -> Option<[(WalletKind, Cents); 2]> {
        let of = |wallet: WalletKind| {
            let same = |line: &&AmountLine| line.formula == *formula && line.grant == grant && line.wallet == wallet;
            let mut lines = self.amounts.iter().filter(same);
            let line = lines.next().filter(|_| lines.next().is_none())?;
            Some((wallet, line.amount_cents.cents()))
        };
        Some([of(WalletKind::Culture)?, of(WalletKind::Sport)?])
    }
}

/// Whether a birth date lies in a range whose ends are included and may be absent.
pub(super) fn born_within(birth: NaiveDate, from: Option<NaiveDate>, until: Option<NaiveDate>) -> bool {
    from.is_none_or(|first| first <= birth) && until.is_none_or(|last| birth <= last)
}

/// Rules to start from, for a demonstration or a department that has not written its own: 80 € a child, 20 € more for a
/// scholarship holder, open to the department's collégiens and to its 12–16-year-olds. Every value is meant to be edited.
#[must_use]
pub fn default_rules(department: Department, season: &SeasonCode) -> SeasonRules {
    let (first, second) = season.years().unwrap_or_default();
    let day = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let turning = |age: i32| first.saturating_sub(age);
    let line = |formula: &str, grant: GrantKind, wallet: WalletKind, cents: i64| serde_json::json!({"formula": formula, "grant": grant, "wallet": wallet, "amount_cents": cents});
    let rules = serde_json::json!({
        "school_department_pays": true,
        "opens_on": day(first, 6, 1),
        "spend_until": day(second, 6, 30),
        "capture_until": day(second.saturating_add(1), 6, 30),
        "deadlines": [
            {"code": "general", "label": "Date limite générale", "until": day(second, 4, 30)},
            {
                "code": "majorite",
                "label": "Jeunes qui atteignent 18 ans dans l'année de l'ouverture",
                "born_from": day(turning(18), 1, 1),
                "born_until": day(turning(18), 12, 31),
                "until": day(first, 12, 31),
            },
        ],
        "formulas": [
            {"code": "sport", "label": "60 € de sport et 20 € de culture"},
            {"code": "culture", "label": "20 € de sport et 60 € de culture"},
        ],
        "amounts": [
            line("sport", GrantKind::Base, WalletKind::Sport, 6000),
            line("sport", GrantKind::Base, WalletKind::Culture, 2000),
            line("sport", GrantKind::TopUp, WalletKind::Sport, 1000),
            line("sport", GrantKind::TopUp, WalletKind::Culture, 1000),
            line("culture", GrantKind::Base, WalletKind::Sport, 2000),
            line("culture", GrantKind::Base, WalletKind::Culture, 6000),
            line("culture", GrantKind::TopUp, WalletKind::Sport, 1000),
            line("culture", GrantKind::TopUp, WalletKind::Culture, 1000),
        ],
        "eligibility": [
            {
                "code": "collegiens",
                "label": "Collégiens du public ou du privé sous contrat, résidant ou scolarisés dans le département",
                "place": {"residence": [department], "school": [department]},
                "school_kinds": [SchoolKind::Public, SchoolKind::PrivateUnderContract],
                "levels": Level::ALL,
            },
            {
                "code": "jeunes-12-16",
                "label": "Jeunes de 12 à 16 ans résidant dans le département",
                "place": {"residence": [department]},
                "born_from": day(turning(16), 1, 1),
                "born_until": day(turning(12), 12, 31),
            },
        ],
    });
    #[expect(clippy::expect_used, reason = "the literal above; its tests read it for every year that a code can say")]
    serde_json::from_value(rules).expect("the default rules are well-formed")
}

/// What the API description shows.
fn example() -> Option<SeasonRules> {
    Some(default_rules("92".parse().ok()?, &"2026-2027".parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> SeasonRules {
        example().expect("department and season of the example")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_defaults_give_80_euros_and_20_more_under_every_formula() {
        let rules = rules();
        let amounts = |formula: &str, grant| rules.amounts_of(&formula.parse().expect("a code"), grant);
        let [culture, sport] = [WalletKind::Culture, WalletKind::Sport];
        let euros = |c: i64, s: i64| Some([(culture, Cents::new(c * 100)), (sport, Cents::new(s * 100))]);
        assert_eq!(amounts("sport", GrantKind::Base), euros(20, 60));
        assert_eq!(amounts("culture", GrantKind::Base), euros(60, 20));
        assert_eq!(amounts("sport", GrantKind::TopUp), euros(10, 10));
        assert_eq!(amounts("culture", GrantKind::TopUp), euros(10, 10));
        assert_eq!(amounts("danse", GrantKind::Base), None);
    }

    #[test]
    fn a_line_missing_or_written_twice_is_no_amount() {
        let sport: Code = "sport".parse().expect("a code");
        let mut twice = rules();
        twice.amounts.push(twice.amounts[0].clone());
        assert_eq!(twice.amounts_of(&sport, GrantKind::Base), None);
        let mut hole = rules();
        hole.amounts.remove(0);
        assert_eq!(hole.amounts_of(&sport, GrantKind::Base), None);
        assert!(hole.amounts_of(&sport, GrantKind::TopUp).is_some());
    }

    #[test]
    fn a_profiles_deadline_holds_from_its_first_to_its_last_birth_date() {
        let rules = rules();
        let code = |birth: &str| rules.deadline_for(day(birth)).map(|d| d.code.as_str());
        assert_eq!(code("2007-12-31"), Some("general"));
        assert_eq!(code("2008-01-01"), Some("majorite"));
        assert_eq!(code("2008-12-31"), Some("majorite"));
        assert_eq!(code("2009-01-01"), Some("general"));
        assert_eq!(rules.deadline_for(day("2008-05-05")).map(|d| d.until), Some(day("2026-12-31")));
        assert_eq!(rules.deadline_for(day("2014-05-05")).map(|d| d.until), Some(day("2027-04-30")));
    }

    #[test]
    fn what_is_left_out_is_no_condition_and_what_is_unknown_is_refused() {
        let bare: Result<EligibilityRule, _> = serde_json::from_str(r#"{"code": "ase", "label": "ASE", "ase": true}"#);
        assert!(bare.is_ok_and(|r| r.place == PlaceRule::default() && r.levels.is_empty() && r.ase == Some(true)));
        let mistyped = r#"{"code": "a", "label": "A", "level": ["6e"]}"#;
        assert!(serde_json::from_str::<EligibilityRule>(mistyped).is_err());
        let mut unknown = serde_json::to_value(rules()).expect("rules are JSON");
        unknown["carry_over"] = true.into();
        assert!(serde_json::from_value::<SeasonRules>(unknown).is_err());
    }

    /// What the API description shows may be sent as it is.
    fn example_of<T: utoipa::PartialSchema + serde::de::DeserializeOwned>() -> Option<T> {
        let schema = serde_json::to_value(T::schema()).ok()?;
        serde_json::from_value(schema.get("example")?.clone()).ok()
    }

    #[test]
    fn the_published_examples_are_valid() {
        assert_eq!(example_of::<SeasonRules>(), example());
        assert!(example_of::<Deadline>().is_some_and(|d| rules().deadlines.contains(&d)));
        assert!(example_of::<AmountLine>().is_some_and(|line| rules().amounts.contains(&line)));
        assert!(example_of::<Formula>().is_some());
        assert!(example_of::<EligibilityRule>().is_some());
        assert!(example_of::<PlaceRule>().is_some());
        assert!(example_of::<RuleProblem>().is_some());
    }

    proptest! {
        #[test]
        fn the_defaults_are_publishable_in_every_season_and_survive_storage(first in 0_u16..9999, department in "[0-9]{2}") {
            let season: SeasonCode = format!("{first:04}-{:04}", first + 1).parse().expect("a season");
            let rules = default_rules(department.parse().expect("a department"), &season);
            prop_assert_eq!(rules.check(&season), vec![]);
            let stored = serde_json::to_value(&rules).expect("rules are JSON");
            prop_assert_eq!(serde_json::from_value::<SeasonRules>(stored).ok(), Some(rules));
        }
    }
}
