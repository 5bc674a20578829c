//! Every id of the service, in one list. An id is an address, never a secret: knowing one gives no right.

ids! {
    /// A login identity (family member or staff), in the directory.
    AccountId,
    /// The affiliation of a merchant for one wallet kind, in one department.
    AffiliationId,
    /// A month of a collège whose meals do not change any more.
    AttendanceLockId,
    /// The trace of one call to an administration.
    AuthorityCallId,
    /// An account at a bank: a merchant's, or the department's own.
    BankAccountId,
    /// A bill or a credit note of the canteen.
    BillId,
    /// The bills of a month, made together.
    BillRunId,
    /// Cards printed together.
    CardBatchId,
    /// An adult who eats at a collège.
    CanteenAdultId,
    /// A bill that an agent takes back.
    CancellationId,
    /// A collège in the scope of the canteen for some time.
    CanteenCollegeId,
    /// Who serves the meals of a department's canteen.
    CanteenOperatorId,
    /// A time during which a department has a canteen.
    CanteenServiceId,
    /// A diner's enrolment in the canteen for a season.
    CanteenEnrolmentId,
    /// A card, whatever its state.
    CardId,
    /// Who prints cards.
    CardMakerId,
    /// What the kitchen has to do for a child.
    CarePlanId,
    /// A child of a family file.
    ChildId,
    /// Days on which a canteen is closed.
    ClosureId,
    /// A line of the journal of consents.
    ConsentId,
    /// What an agent undoes of a movement.
    CorrectionId,
    /// A code that stands for a forgotten card for one day.
    DayCodeId,
    /// A person's decision to let a child in though no rule does.
    DerogationId,
    /// A till or server of a merchant, a gate or kitchen of the canteen, with its own key, in the directory.
    DeviceId,
    /// Who eats: a child or an adult of the collège, whose id it is.
    DinerId,
    /// A debit that a family contests.
    DisputeId,
    /// A supporting document that a family sent.
    DocumentId,
    /// A child's enrolment for one season.
    EnrolmentId,
    /// A family file, in one department.
    FamilyId,
    /// A tariff grid of the canteen.
    GridId,
    /// A guardian's record in a family file.
    GuardianId,
    /// Money set aside: a till's hold, a ticket, a remote transfer.
    HoldId,
    /// A guardian's request that the income of the family be asked, for a reduced rate.
    IncomeRequestId,
    /// A question about an income, in the memory of one process.
    InquiryId,
    /// An account of the ledger that is not a wallet (funding, merchant).
    LedgerAccountId,
    /// A version of what a department allows.
    LedgerRulesId,
    /// What is known of a diner's means from a day on.
    MeansId,
    /// An affiliated organisation, in the directory.
    MerchantId,
    /// A piece of news that a department writes.
    NewsId,
    /// A collège where an operator serves for some time.
    OperatorSiteId,
    /// Who pays bills: a family's file, or an adult, whose id it is.
    PayerId,
    /// Something paid to the canteen.
    PaymentId,
    /// What one batch pays one merchant.
    PayoutId,
    /// A payout whose money came back from the bank.
    PayoutReturnId,
    /// A batch of payouts, settled together.
    PayoutBatchId,
    /// A portrait of a child.
    PhotoId,
    /// What a diner pays from a day on.
    RateId,
    /// One request, as logs, answers and the journal name it.
    RequestId,
    /// An order to take back what is left of a season.
    SeasonExpiryId,
    /// An order to open a season with last year's children.
    SeasonOpeningId,
    /// A signed-in session: a family of refresh tokens.
    SessionId,
    /// The place of a member of staff (secretary of a collège, agent of a department).
    StaffRoleId,
    /// An immutable movement of cents.
    TransferId,
    /// A family that may enrol although it owes something.
    WaiverId,
    /// A wallet: child, season and kind.
    WalletId,
}

impl From<ChildId> for DinerId {
    fn from(child: ChildId) -> Self {
        Self(child.0)
    }
}
impl From<CanteenAdultId> for DinerId {
    fn from(adult: CanteenAdultId) -> Self {
        Self(adult.0)
    }
}
impl DinerId {
    /// The child, of a pupil's enrolment.
    #[must_use]
    pub const fn child(self) -> ChildId {
        ChildId(self.0)
    }
    /// The adult, of any other diner.
    #[must_use]
    pub const fn adult(self) -> CanteenAdultId {
        CanteenAdultId(self.0)
    }
}

impl From<FamilyId> for PayerId {
    fn from(family: FamilyId) -> Self {
        Self(family.0)
    }
}
impl From<CanteenAdultId> for PayerId {
    fn from(adult: CanteenAdultId) -> Self {
        Self(adult.0)
    }
}
