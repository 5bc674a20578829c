//! What an uploaded proof is, told by its content: names and announced types are the caller's to invent. A picture is drawn anew; a PDF is
//! kept as it came, once it is known to hold pages and nothing that acts.

mod pdf;
mod picture;

text_enum! {
    /// A kind of file.
    pub enum Media { Pdf = "application/pdf", Jpeg = "image/jpeg", Png = "image/png" }
}

/// The largest file in bytes: a scan of a few pages, or a telephone's picture at a usual setting.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;

/// Why a file is not taken, told to the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("il dépasse 5 Mo")]
    TooLarge,
    #[error("un PDF, un JPEG ou un PNG est attendu")]
    UnknownKind,
    #[error("son contenu n'est pas celui que son type annonce")]
    LyingType,
    #[error("le fichier est incomplet ou abîmé : envoyez-le de nouveau")]
    Unreadable,
    #[error("le PDF est protégé : enregistrez-le sans protection, ou envoyez une photo du document")]
    Encrypted,
    #[error(
        "le PDF contient un programme, un fichier joint ou une action : imprimez-le en PDF, ou envoyez une photo du document"
    )]
    Active,
    #[error("le PDF est construit d'une façon inhabituelle : imprimez-le en PDF, ou envoyez une photo du document")]
    Unusual,
    #[error("le PDF a plus de 30 pages : envoyez seulement celles qui sont demandées")]
    TooManyPages,
    #[error("l'image doit mesurer au moins 300 pixels de côté, 12 000 au plus, et 40 millions de pixels en tout")]
    Dimensions,
}

/// What is kept of a file.
#[derive(Debug)]
pub struct Checked {
    /// PDF or JPEG.
    pub media: Media,
    pub file: Vec<u8>,
}

/// The file as it may be kept, if it is what it is announced as. Takes memory (160 MB at worst, for pictures) and time: call it behind the
/// gate of pictures.
pub fn check(file: &[u8], announced: Media) -> Result<Checked, ContentError> {
    if file.len() > MAX_BYTES {
        return Err(ContentError::TooLarge);
    }
    let media = sniff(file).ok_or(ContentError::UnknownKind)?;
    if media != announced {
        return Err(ContentError::LyingType);
    }
    match media {
        Media::Pdf => {
            pdf::check(file)?;
            Ok(Checked { media, file: file.to_vec() })
        }
        Media::Jpeg | Media::Png => Ok(Checked { media: Media::Jpeg, file: picture::redraw(file, media)? }),
    }
}

/// The kind that the first bytes tell.
fn sniff(file: &[u8]) -> Option<Media> {
    let begins = |magic: &[u8]| file.starts_with(magic);
    match () {
        () if begins(b"%PDF-") => Some(Media::Pdf),
        () if begins(b"\xff\xd8\xff") => Some(Media::Jpeg),
        () if begins(b"\x89PNG\r\n\x1a\n") => Some(Media::Png),
        () => None,
    }
}
