//! Enrolments in the canteen: a diner, a collège, the days of the week, for a season.

mod db;

pub use db::CanteenEnrolment;

text_enum! {
    /// What somebody eats. A choice among menus: never a religion, never an illness.
    pub enum Diet {
        Everything = "everything",
        NoPork = "no_pork",
        NoMeat = "no_meat",
    }
}

text_enum! {
    /// Whether an enrolment lasts.
    pub enum EnrolmentState { Active = "active", Ended = "ended" }
}

text_enum! {
    /// Why an enrolment ended.
    pub enum EndReason {
        AtFamilysWish = "at_familys_wish",
        ChangedCollege = "changed_college",
        LeftScheme = "left_scheme",
        CanteenClosed = "canteen_closed",
        ByDepartment = "by_department",
    }
}
