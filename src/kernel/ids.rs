//! Every id of the service, in one list. An id is an address, never a secret: knowing one gives no right.

ids! {
    /// A login identity (family member or staff), in the directory.
    AccountId,
    /// The affiliation of a merchant for one wallet kind, in one department.
    AffiliationId,
    /// The trace of one call to an administration.
    AuthorityCallId,
    /// An account at a bank: a merchant's, or the department's own.
    BankAccountId,
    /// Cards printed together.
    CardBatchId,
    /// A collège in the scope of the canteen for some time.
    CanteenCollegeId,
    /// A time during which a department has a canteen.
    CanteenServiceId,
    /// A card, whatever its state.
    CardId,
    /// Who prints cards.
    CardMakerId,
    /// A child of a family file.
    ChildId,
    /// Days on which a canteen is closed.
    ClosureId,
    /// A line of the journal of consents.
    ConsentId,
    /// What an agent undoes of a movement.
    CorrectionId,
    /// A person's decision to let a child in though no rule does.
    DerogationId,
    /// A till or a merchant's server, with its own key, in the directory.
    DeviceId,
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
    /// An account of the ledger that is not a wallet (funding, merchant).
    LedgerAccountId,
    /// A version of what a department allows.
    LedgerRulesId,
    /// An affiliated organisation, in the directory.
    MerchantId,
    /// A piece of news that a department writes.
    NewsId,
    /// What one batch pays one merchant.
    PayoutId,
    /// A payout whose money came back from the bank.
    PayoutReturnId,
    /// A batch of payouts, settled together.
    PayoutBatchId,
    /// A portrait of a child.
    PhotoId,
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
    /// A wallet: child, season and kind.
    WalletId,
}
