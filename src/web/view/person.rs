//! One person: in one alert, and in the directory.

use askama::Template;

use super::sign_in::Field;
use super::{Act, Choice, Fact, Frame, Link, Tone};

/// `/alerts/ID/people/CONTACT`: everything that happened to one person in one alert.
#[derive(Clone, Debug, Template)]
#[template(path = "person.html")]
pub struct PersonInAlert {
    /// What surrounds the page, in the alert's mode.
    pub page: Frame,
    /// The board to go back to.
    pub back: Link,
    /// The person's name.
    pub name: String,
    /// "Nurse, building B · staff · English".
    pub place: String,
    /// How the person stands, in a sentence: "Asked for help at 14:03:12."
    pub state: String,
    /// How that is meant.
    pub state_tone: Tone,
    /// Call, claim; empty for whoever may only look.
    pub acts: Vec<Act>,
    /// Every attempt, receipt, answer and act, oldest first.
    pub events: Vec<PersonEvent>,
    /// To record what the person said elsewhere; none for whoever may only look.
    pub mark: Option<MarkAnswer>,
    /// The person's entry in the directory; none when this role may not see it.
    pub contact_href: Option<String>,
}

/// Something that happened to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonEvent {
    /// "14:02:07".
    pub time: String,
    /// How it is meant.
    pub tone: Tone,
    /// What happened, in words: "Text accepted by the gateway. The phone has not confirmed."
    pub text: String,
    /// The technical words: gateway, its identifier, codes; empty for none.
    pub detail: String,
}

/// A form that records an answer on someone's behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkAnswer {
    /// Where it posts to.
    pub action: String,
    /// The alert's options; sent as `answer`.
    pub options: Vec<Choice>,
    /// "By phone", "In person", …; sent as `how`.
    pub ways: Vec<Choice>,
    /// What the person wrote that is no answer and that nobody has dealt with.
    pub wrote: Vec<String>,
}

/// `/people/ID`: one entry of the directory.
#[derive(Clone, Debug, Template)]
#[template(path = "contact.html")]
pub struct ContactPage {
    /// What surrounds the page.
    pub page: Frame,
    /// The person's name.
    pub name: String,
    /// "Nurse · Main building · ICU".
    pub place: String,
    /// Category, language, site, tags, source, last change.
    pub facts: Vec<Fact>,
    /// Phones and addresses in the order they are tried.
    pub points: Vec<PointRow>,
    /// Groups this person is in.
    pub groups: Vec<Link>,
    /// What may be changed; empty for whoever may only look.
    pub fields: Vec<Field>,
    /// Where the form posts to.
    pub action: String,
    /// Takes the person out of use; none for whoever may not, and when it is done already.
    pub archive: Option<Act>,
    /// Alerts this person was in, newest first.
    pub alerts: Vec<Link>,
}

/// `/people/new`: one more entry.
#[derive(Clone, Debug, Template)]
#[template(path = "contact_new.html")]
pub struct NewContact {
    /// What surrounds the page.
    pub page: Frame,
    /// Name, category, language, how to reach the person.
    pub fields: Vec<Field>,
    /// Where the form posts to.
    pub action: String,
}

/// One phone or address of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointRow {
    /// "Mobile", "Landline", "E-mail".
    pub kind: String,
    /// The number or address, masked unless the role sees it in full.
    pub shown: String,
    /// `tel:` or `mailto:`; none when it is masked.
    pub href: Option<String>,
    /// "Verified 3 September 2026", "Opted out by SMS on …"; empty for nothing known.
    pub remark: String,
    /// How the remark is meant.
    pub tone: Tone,
    /// To keep what is known of it; none for whoever may not.
    pub keep: Option<String>,
}
