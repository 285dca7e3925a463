//! The directory: people and groups.

use askama::Template;

use super::sign_in::Field;
use super::{Act, Fact, Frame, Link, Pages};

/// A filter above a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// "Staff".
    pub label: String,
    /// How many it would show; none when not counted.
    pub count: Option<u64>,
    /// The list with this filter.
    pub href: String,
    /// Whether it is on.
    pub current: bool,
}

/// `/people`.
#[derive(Clone, Debug, Template)]
#[template(path = "people.html")]
pub struct People {
    /// What surrounds the page.
    pub page: Frame,
    /// What was searched for; empty for everybody.
    pub query: String,
    /// Filters that stay on while searching, as hidden fields.
    pub hidden: Vec<(String, String)>,
    /// Everybody, and by category; the group that is chosen, too.
    pub filters: Vec<Filter>,
    /// By what there is to mend; empty if all is well.
    pub mend: Vec<Filter>,
    /// By group: folded, because there may be many.
    pub groups: Vec<Filter>,
    /// "168 people: 40 staff, 120 patients, 8 vendors and authorities".
    pub summary: String,
    /// The people shown.
    pub rows: Vec<ContactRow>,
    /// Where the reader is.
    pub pages: Pages,
    /// Whether the directory is empty, so that the page says what to do first.
    pub is_empty: bool,
    /// Where to import; none for whoever may not.
    pub import_href: Option<String>,
    /// Where to take the whole directory as a file; none for whoever may not.
    pub export_href: Option<String>,
    /// Where to add one person; none for whoever may not.
    pub new_href: Option<String>,
    /// The pages that keep it in order, those that the reader may see.
    pub care: Vec<Link>,
}

/// One person in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// The name.
    pub name: String,
    /// The person's page.
    pub href: String,
    /// "Nurse, ICU, Main building".
    pub place: String,
    /// "Staff".
    pub category: String,
    /// "SMS, e-mail, call".
    pub reach: String,
    /// What needs attention: "no mobile number"; empty for nothing.
    pub remark: String,
}

/// `/groups`.
#[derive(Clone, Debug, Template)]
#[template(path = "groups.html")]
pub struct Groups {
    /// What surrounds the page.
    pub page: Frame,
    /// All groups by name.
    pub rows: Vec<GroupRow>,
    /// To make another; none for whoever may not.
    pub form: Option<GroupForm>,
}

/// What makes a group: its name, rules, and the groups in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupForm {
    /// Where it posts to.
    pub action: String,
    /// Title, a line of values for each kind of rule, groups inside.
    pub fields: Vec<Field>,
    /// The button: "Make this group".
    pub button: String,
    /// Whether it is unfolded at first: after a refusal.
    pub is_open: bool,
}

/// One group in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The name that scripts use: `all-staff`.
    pub name: String,
    /// The name that people read: "All staff".
    pub title: String,
    /// Its page.
    pub href: String,
    /// "Everyone whose category is staff", "9 named people".
    pub rule: String,
    /// How many are in it now.
    pub count: u64,
}

/// `/groups/NAME`.
#[derive(Clone, Debug, Template)]
#[template(path = "group.html")]
pub struct GroupPage {
    /// What surrounds the page.
    pub page: Frame,
    /// The name that people read.
    pub title: String,
    /// Name for scripts, rule, how many, last change.
    pub facts: Vec<Fact>,
    /// Templates that go to it by default.
    pub templates: Vec<Link>,
    /// The people in it now.
    pub rows: Vec<ContactRow>,
    /// Where the reader is.
    pub pages: Pages,
    /// To change it; none for whoever may not.
    pub form: Option<GroupForm>,
    /// To delete it; none for whoever may not.
    pub delete: Option<Act>,
}
