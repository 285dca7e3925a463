//! Finds out what each column of a file is, by its name in any of several languages.

use std::collections::HashSet;
use std::fmt;

use super::wording::{clean, joined};

/// What a column is read as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the column's name says it all")]
pub enum Column {
    ExternalId,
    Name,
    Email,
    Mobile,
    Phone,
    Language,
    Category,
    Role,
    Site,
    Unit,
    Groups,
    Tags,
    Manager,
    /// A per-person field with this normalised name.
    Field(String),
    /// Not read at all.
    LeftOut,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExternalId => "external_id",
            Self::Name => "name",
            Self::Email => "email",
            Self::Mobile => "mobile",
            Self::Phone => "phone",
            Self::Language => "language",
            Self::Category => "category",
            Self::Role => "role",
            Self::Site => "site",
            Self::Unit => "unit",
            Self::Groups => "groups",
            Self::Tags => "tags",
            Self::Manager => "manager",
            Self::Field(name) => name,
            Self::LeftOut => "left out",
        })
    }
}

/// What a person says that a column is, or what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// One of the columns of a directory; never a field.
    Known(Column),
    /// A part of the name, kept as a field too.
    GivenName,
    /// The other part.
    FamilyName,
    /// Kept with each person under the column's own name.
    Field,
    /// Not read at all.
    LeftOut,
}

impl Meaning {
    /// Everything that a column can be.
    pub fn all() -> Vec<Self> {
        let known = ALIASES
            .iter()
            .map(|(column, _)| Self::Known(column.clone()));
        let others = [
            Self::GivenName,
            Self::FamilyName,
            Self::Field,
            Self::LeftOut,
        ];
        known.chain(others).collect()
    }

    /// One word for a form: `mobile`, `given_name`.
    pub fn word(&self) -> String {
        match self {
            Self::Known(column) => column.to_string(),
            Self::GivenName => "given_name".to_owned(),
            Self::FamilyName => "family_name".to_owned(),
            Self::Field => "field".to_owned(),
            Self::LeftOut => "left_out".to_owned(),
        }
    }

    /// Reads back what [`Meaning::word`] gave.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|meaning| meaning.word() == word)
    }

    /// What the name of a column says; a field if it says nothing that is known.
    pub fn of_header(header: &str) -> Self {
        let key = joined(header, "", |sign| sign.is_ascii_alphanumeric());
        match ALIASES.iter().find(|(_, names)| is_one_of(&key, names)) {
            Some((column, _)) => Self::Known(column.clone()),
            None if is_one_of(&key, GIVEN_NAME) => Self::GivenName,
            None if is_one_of(&key, FAMILY_NAME) => Self::FamilyName,
            None => Self::Field,
        }
    }
}

/// One column of the file, for the preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileColumn {
    /// As the file names it.
    pub header: String,
    /// What its cells become.
    pub column: Column,
}

/// Why a file is refused as a whole: a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongColumns {
    /// The people start at once.
    #[error(
        "the first line looks like a person, not like column names: put a line such as name,email,mobile above it"
    )]
    NoHeaderLine,
    /// Nobody could be told apart.
    #[error(
        "the file has no column \"name\": it has {found}, and a directory needs name and at least one of email, mobile, phone"
    )]
    NoName {
        /// The columns of the file.
        found: String,
    },
    /// Nobody could be reached.
    #[error(
        "the file has none of the columns email, mobile, phone: it has {found}, and nobody in it could be reached"
    )]
    NoContactPoint {
        /// The columns of the file.
        found: String,
    },
    /// Which of the two counts is not for a program to guess.
    #[error(
        "the columns \"{first}\" and \"{second}\" both mean {column}: rename or delete one of them"
    )]
    Twice {
        /// What both mean.
        column: Column,
        /// The left one.
        first: String,
        /// The right one.
        second: String,
    },
    /// The configuration names a region that is no country.
    #[error("the region \"{0}\" is no two-letter country code such as CH")]
    Region(String),
}

const DIGITS_OF_A_NUMBER: usize = 6;
/// A sentence that lists more than this is not read.
const LONGEST_LIST: usize = 300;

/// Header names after [`joined`] without joints, for each column.
const ALIASES: [(Column, &str); 13] = [
    (
        Column::ExternalId,
        "id externalid employeeid employeenumber employeeno personid staffid \
         personnelnumber personalnummer mitarbeiternummer idempleado numeroempleado \
         numerodeempleado matricule",
    ),
    (
        Column::Name,
        "name fullname displayname nombre nombrecompleto nombreyapellidos \
         nombreyapellido nom nomcomplet vollername vollstandigername",
    ),
    (
        Column::Email,
        "email emailaddress mail mailaddress workemail emailadresse mailadresse correo \
         correoelectronico courriel adressemail adresseemail",
    ),
    (
        Column::Mobile,
        "mobile mobilephone mobilenumber mobileno mobilephonenumber cell cellphone \
         cellnumber cellular sms handy handynummer mobil mobiltelefon mobilnummer natel \
         movil telefonomovil celular telefonocelular portable telephoneportable \
         telmobile",
    ),
    (
        Column::Phone,
        "phone phonenumber telephone telephonenumber tel landline landlinephone \
         officephone workphone homephone telefon telefonnummer festnetz telefono \
         telefonofijo fijo telephonefixe fixe",
    ),
    (
        Column::Language,
        "language lang preferredlanguage languagepreference idioma idiomapreferido \
         lengua sprache bevorzugtesprache korrespondenzsprache langue languepreferee",
    ),
    (Column::Category, "category categoria kategorie categorie"),
    (
        Column::Role,
        "role jobtitle job position function rol cargo puesto rolle funktion beruf \
         fonction poste",
    ),
    (
        Column::Site,
        "site location building campus branch sede centro ubicacion standort lieu",
    ),
    (
        Column::Unit,
        "unit department dept ward unidad departamento servicio abteilung station unite \
         departement service",
    ),
    (
        Column::Groups,
        "groups group grupos grupo gruppen gruppe groupes groupe",
    ),
    (
        Column::Tags,
        "tags tag labels etiquetas schlagworte etiquettes",
    ),
    (
        Column::Manager,
        "manager linemanager supervisor reportsto jefe jefa responsable vorgesetzter \
         vorgesetzte superieur",
    ),
];

const GIVEN_NAME: &str = "firstname givenname forename vorname prenom nombredepila";
const FAMILY_NAME: &str = "lastname familyname surname nachname familienname apellido apellidos \
    nomdefamille";

/// What each column of one file is.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<FileColumn>,
    /// Name parts are fields too: a message may say "Dear {{first_name}}".
    given_name: Option<usize>,
    family_name: Option<usize>,
}

impl Layout {
    /// Reads the headers by what each of them means; of a column that nobody has said it of, its name
    /// says it. Two columns of one meaning are an error; two fields of one name are told apart by a number.
    pub(super) fn find(headers: &[String], said: &[Meaning]) -> Result<Self, WrongColumns> {
        let meanings: Vec<Meaning> = headers
            .iter()
            .enumerate()
            .map(|(index, header)| {
                said.get(index)
                    .cloned()
                    .unwrap_or_else(|| Meaning::of_header(header))
            })
            .collect();
        let part = |wanted: &Meaning| meanings.iter().position(|meaning| meaning == wanted);
        let mut columns: Vec<FileColumn> = Vec::with_capacity(headers.len());
        let mut field_names = HashSet::new();
        for (index, (header, meaning)) in headers.iter().zip(&meanings).enumerate() {
            let column = match meaning {
                Meaning::Known(column) => column.clone(),
                Meaning::LeftOut => Column::LeftOut,
                _ => Column::Field(field_name(header, index, &mut field_names)),
            };
            let twin = columns.iter().find(|other| other.column == column);
            if let Some(twin) = twin.filter(|_| column != Column::LeftOut) {
                let (first, second) = (twin.header.clone(), header.clone());
                return Err(WrongColumns::Twice {
                    column,
                    first,
                    second,
                });
            }
            columns.push(FileColumn {
                header: header.clone(),
                column,
            });
        }
        let layout = Self {
            columns,
            given_name: part(&Meaning::GivenName),
            family_name: part(&Meaning::FamilyName),
        };
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), WrongColumns> {
        let found = || {
            let headers: Vec<&str> = self
                .columns
                .iter()
                .map(|column| column.header.as_str())
                .collect();
            clean(&headers.join(", "))
                .0
                .chars()
                .take(LONGEST_LIST)
                .collect::<String>()
        };
        let has_parts = self.given_name.is_some() && self.family_name.is_some();
        let has_name = has_parts || self.has(&Column::Name);
        let has_point = [Column::Email, Column::Mobile, Column::Phone]
            .iter()
            .any(|column| self.has(column));
        if has_name && has_point {
            return Ok(());
        }
        if self.columns.iter().any(|column| is_data(&column.header)) {
            return Err(WrongColumns::NoHeaderLine);
        }
        Err(if has_name {
            WrongColumns::NoContactPoint { found: found() }
        } else {
            WrongColumns::NoName { found: found() }
        })
    }

    pub(super) fn has(&self, column: &Column) -> bool {
        self.columns.iter().any(|other| other.column == *column)
    }

    pub(super) fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    pub(super) fn into_file_columns(self) -> Vec<FileColumn> {
        self.columns
    }

    /// The whole name from its parts. A part that the name already holds is not said twice, so that
    /// German `Vorname, Name`, Spanish `nombre, apellidos` and a full name beside its parts all work.
    pub(super) fn whole_name(&self, name: &str, cell: impl Fn(usize) -> String) -> String {
        let missing = |index: Option<usize>| {
            let part = index.map(&cell).unwrap_or_default();
            let held = format!(" {} ", name.to_lowercase())
                .contains(&format!(" {} ", part.to_lowercase()));
            if held { String::new() } else { part }
        };
        let (given, family) = (missing(self.given_name), missing(self.family_name));
        let parts = [given.as_str(), name, family.as_str()];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn is_one_of(key: &str, names: &str) -> bool {
    names.split(' ').any(|name| name == key)
}

/// Why no person can have a field of this name, if none can: an export writes a column of it, and an
/// import must read it back as what it was.
pub fn wrong_field(name: &str) -> Option<String> {
    let key = joined(name, "", |sign| sign.is_ascii_alphanumeric());
    if key.is_empty() {
        return Some(format!(
            "a field cannot be named \"{name}\": a name has a letter from a to z, or a digit"
        ));
    }
    let (column, _) = ALIASES.iter().find(|(_, names)| is_one_of(&key, names))?;
    Some(format!(
        "a field cannot be named \"{name}\": a file's column of that name is the person's {column}"
    ))
}

/// What no column is called: an address or a long number. Such a line is a person, and is not repeated.
fn is_data(header: &str) -> bool {
    header.contains('@')
        || header.chars().filter(char::is_ascii_digit).count() >= DIGITS_OF_A_NUMBER
}

/// `New time` is `new_time`; a second one is `new_time_2`; a header without letters is `column_5`.
fn field_name(header: &str, index: usize, taken: &mut HashSet<String>) -> String {
    let plain = match joined(header, "_", |sign| sign.is_ascii_alphanumeric()) {
        name if name.is_empty() => format!("column_{}", index + 1),
        name => name,
    };
    let mut name = plain.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{plain}_{number}");
        number += 1;
    }
    name
}
