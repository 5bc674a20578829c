//! The three sizes of a portrait: one for each audience, no larger than it needs to recognise a face.

/// For whom a portrait is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A merchant's till: to see that the card is the child's.
    Till,
    /// A canteen's gate.
    Gate,
    /// The department: in print on the card, for its review, to give a lost card back. The others are drawn from it.
    Card,
}

impl Size {
    /// In pixels; every size has an identity photo's 35:45. The card's is sharp at 3 cm in print.
    #[must_use]
    pub const fn width(self) -> u32 {
        match self {
            Self::Till => 210,
            Self::Gate => 280,
            Self::Card => 420,
        }
    }

    /// See [`Size::width`].
    #[must_use]
    pub const fn height(self) -> u32 {
        match self {
            Self::Till => 270,
            Self::Gate => 360,
            Self::Card => 540,
        }
    }

    /// Of the JPEG, in percent.
    #[must_use]
    pub const fn quality(self) -> u8 {
        match self {
            Self::Till | Self::Gate => 80,
            Self::Card => 85,
        }
    }

    /// What it is sealed for: a portrait sealed for one audience does not open as another's.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Till => "photo_till",
            Self::Gate => "photo_gate",
            Self::Card => "photo",
        }
    }
}
