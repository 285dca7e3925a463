//! The directory as a list: found by name, narrowed by category and group, a page at a time.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::account::role::Act;
use crate::alert::words::Category;
use crate::app::App;
use crate::clock::Timestamp;
use crate::directory::contact::{self, Contact, PointKind, Wanted};
use crate::directory::health::{self, Concern};
use crate::directory::{export, group};
use crate::ids::{ContactId, GroupId};
use crate::storage::groups::CountedRow;
use crate::storage::health::Counts;
use crate::web::format::{count, sentence};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::{self, SignedIn};
use crate::web::view::people::{ContactRow, Filter, People};
use crate::web::view::{Link, Pages, Section, counted, people};

/// People on one page.
pub(super) const PAGE: i64 = 50;

/// `/people` and `/people/export.csv`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/people", get(list))
        .route("/people/export.csv", get(download))
}

/// What is asked for in the address; everything may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    group: String,
    /// Something to mend: the word of a concern.
    #[serde(default)]
    mend: String,
    after: Option<ContactId>,
    #[serde(default)]
    skipped: u64,
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    signed_in.require(Act::SeeDirectory)?;
    let groups = group::list(&app.db).await?;
    let counts = contact::counts(&app.db).await?;
    let chosen = groups.iter().find(|group| group.name == asked.group);
    let now = app.clock.now();
    let wanted = wanted(&asked, chosen.map(|group| group.id), now);
    let to_mend = health::counts(&app.db, now).await?;
    let page = contact::list(&app.db, &app.keys, &wanted, asked.after, PAGE).await?;
    let total: u64 = counts.iter().map(|(_, people)| count(*people)).sum();
    let view = People {
        page: frame(&app, &signed_in.user, "People", Section::People),
        query: asked.q.clone(),
        mend: by_concern(&asked, &to_mend),
        hidden: [
            ("category", &asked.category),
            ("group", &asked.group),
            ("mend", &asked.mend),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect(),
        filters: filters(&asked, &counts, chosen, total),
        groups: groups.iter().map(|group| by_group(&asked, group)).collect(),
        summary: summary(&counts, total),
        pages: pages("/people", &asked, page.items.len(), page.next),
        rows: page.items.iter().map(|contact| row(contact, now)).collect(),
        is_empty: total == 0,
        import_href: may_import(&signed_in),
        export_href: signed_in
            .user
            .may(Act::ExportDirectory)
            .then(|| "/people/export.csv".to_owned()),
        new_href: signed_in
            .user
            .may(Act::EditDirectory)
            .then(|| "/people/new".to_owned()),
        care: care(&signed_in),
    };
    show(StatusCode::OK, &view)
}

/// The pages that keep the directory in order.
fn care(signed_in: &SignedIn) -> Vec<Link> {
    let twice = Link::new("In the directory twice?", "/people/duplicates");
    let twice = signed_in.user.may(Act::EditDirectory).then_some(twice);
    let opt_outs = Link::new("Opt-outs", "/people/opt-outs");
    twice.into_iter().chain([opt_outs]).collect()
}

fn may_import(signed_in: &SignedIn) -> Option<String> {
    signed_in
        .user
        .may(Act::EditDirectory)
        .then(|| "/people/import".to_owned())
}

fn wanted(asked: &Asked, group: Option<GroupId>, now: Timestamp) -> Wanted {
    Wanted {
        text: (!asked.q.trim().is_empty()).then(|| asked.q.clone()),
        category: asked.category.parse().ok(),
        group,
        tag: None,
        with_archived: false,
        concern: asked
            .mend
            .parse()
            .ok()
            .map(|concern| (concern, health::long_ago(now))),
    }
}

/// What there is to mend, each with how many people it is true of; nothing of nobody.
fn by_concern(asked: &Asked, counts: &Counts) -> Vec<Filter> {
    let of = |concern: Concern| match concern {
        Concern::NoWay => counts.no_way,
        Concern::Failed => counts.failed,
        Concern::NoMobile => counts.no_mobile,
        Concern::NeverVerified => counts.never_verified,
        Concern::VerifiedLongAgo => counts.verified_long_ago,
    };
    let people = Concern::ALL
        .iter()
        .map(|concern| (*concern, count(of(*concern))));
    people
        .filter(|(concern, people)| *people > 0 || asked.mend == concern.word())
        .map(|(concern, people)| Filter {
            label: sentence(concern_in_words(concern)).replace('.', ""),
            count: Some(people),
            href: address("/people", &[("q", &asked.q), ("mend", concern.word())]),
            current: asked.mend == concern.word(),
        })
        .collect()
}

/// What is to be mended, as a remark on a person.
pub(super) fn concern_in_words(concern: Concern) -> &'static str {
    match concern {
        Concern::NoWay => "no phone and no address: nobody can reach this person",
        Concern::Failed => "the last message failed",
        Concern::NoMobile => "no mobile number",
        Concern::NeverVerified => "never verified",
        Concern::VerifiedLongAgo => "verified more than a year ago",
    }
}

/// Everybody, each category, and the group that is chosen; each keeps what was searched for.
fn filters(
    asked: &Asked,
    counts: &[(Category, i64)],
    chosen: Option<&CountedRow>,
    total: u64,
) -> Vec<Filter> {
    let filter = |label: &str, category: &str, count: u64| Filter {
        label: label.to_owned(),
        count: Some(count),
        href: address("/people", &[("q", &asked.q), ("category", category)]),
        current: asked.category == category && asked.group.is_empty() && asked.mend.is_empty(),
    };
    let categories = in_order(counts)
        .map(|(category, count)| filter(category_in_words(category).1, category.word(), count));
    std::iter::once(filter("Everybody", "", total))
        .chain(categories)
        .chain(chosen.map(|group| by_group(asked, group)))
        .collect()
}

fn by_group(asked: &Asked, group: &CountedRow) -> Filter {
    Filter {
        label: group.title.clone(),
        count: Some(count(group.people)),
        href: address("/people", &[("q", &asked.q), ("group", &group.name)]),
        current: asked.group == group.name,
    }
}

/// The categories that anybody has, staff first.
fn in_order(counts: &[(Category, i64)]) -> impl Iterator<Item = (Category, u64)> {
    Category::ALL.iter().filter_map(|category| {
        let (_, people) = counts.iter().find(|(counted, _)| counted == category)?;
        Some((*category, count(*people)))
    })
}

/// A path with those fields that are not empty as its query.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Where the reader is: a cursor leads on, and the way back is the first page.
fn pages(path: &str, asked: &Asked, shown: usize, next: Option<ContactId>) -> Pages {
    let first = asked.skipped + 1;
    let last = asked.skipped + shown as u64;
    let keep = [
        ("q", &*asked.q),
        ("category", &*asked.category),
        ("group", &*asked.group),
        ("mend", &*asked.mend),
    ];
    if next.is_none() && asked.after.is_none() {
        return Pages::default();
    }
    let (skipped, cursor) = (last.to_string(), next.map(|id| id.to_string()));
    Pages {
        shown: format!("{first} to {last}"),
        previous: asked.after.map(|_| address(path, &keep)),
        next: cursor.map(|cursor| {
            address(
                path,
                &[&keep[..], &[("after", &cursor), ("skipped", &skipped)]].concat(),
            )
        }),
    }
}

/// "168 people: 40 staff, 120 patients, 8 vendors".
fn summary(counts: &[(Category, i64)], total: u64) -> String {
    let parts: Vec<String> = in_order(counts)
        .map(|(category, count)| {
            let (one, many) = category_in_words(category);
            counted(count, &one.to_lowercase(), &many.to_lowercase())
        })
        .collect();
    format!("{}: {}.", people(total), parts.join(", "))
}

/// One and several of a category.
pub(super) fn category_in_words(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::Staff => ("Staff", "Staff"),
        Category::Vendor => ("Vendor", "Vendors"),
        Category::Authority => ("Authority", "Authorities"),
        Category::Patient => ("Patient", "Patients"),
    }
}

/// A person as a list shows them.
pub(super) fn row(contact: &Contact, now: Timestamp) -> ContactRow {
    ContactRow {
        name: contact.name.clone(),
        href: format!("/people/{}", contact.id),
        place: place(&[&contact.role, &contact.unit, &contact.site]),
        category: category_in_words(contact.category).0.to_owned(),
        reach: reach(contact),
        remark: remark(contact, now).to_owned(),
    }
}

/// "+1 202-555-0142" for E.164, as it is read aloud; what cannot be read stays as it is.
pub(super) fn number_in_words(number: &str) -> String {
    phonenumber::parse(None, number).map_or_else(
        |_| number.to_owned(),
        |parsed| {
            parsed
                .format()
                .mode(phonenumber::Mode::International)
                .to_string()
        },
    )
}

/// What is known of where someone is found, joined by commas.
pub(super) fn place(parts: &[&str]) -> String {
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(", ")
}

fn has(contact: &Contact, kind: PointKind) -> bool {
    contact
        .points
        .iter()
        .any(|point| point.kind == kind && point.opted_out_at.is_none())
}

fn reach(contact: &Contact) -> String {
    let mobile = has(contact, PointKind::Mobile);
    let ways = [
        (mobile, "SMS"),
        (has(contact, PointKind::Email), "e-mail"),
        (mobile || has(contact, PointKind::Landline), "call"),
    ];
    let ways: Vec<&str> = ways
        .into_iter()
        .filter(|(open, _)| *open)
        .map(|(_, way)| way)
        .collect();
    ways.join(", ")
}

/// The one thing about reaching them that somebody should mend.
pub(super) fn remark(contact: &Contact, now: Timestamp) -> &'static str {
    let opted_out = contact
        .points
        .iter()
        .any(|point| point.opted_out_at.is_some());
    if opted_out && !has(contact, PointKind::Mobile) && !has(contact, PointKind::Email) {
        "opted out of messages"
    } else {
        // Most people are never verified: said on their own page and by the filter, not beside each name.
        let concern = health::concerns(contact, now).into_iter().next();
        concern
            .filter(|concern| *concern != Concern::NeverVerified)
            .map_or("", concern_in_words)
    }
}

async fn download(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::ExportDirectory)?;
    let now = app.clock.now();
    let bytes = export::export_csv(&app.db, &app.keys, now, &signed_in.actor()).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"people.csv\""),
        ),
    ];
    Ok((session::no_store(), headers, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_what_is_asked_for() {
        assert_eq!(
            address("/people", &[("q", ""), ("group", "all staff")]),
            "/people?group=all+staff"
        );
        assert_eq!(address("/people", &[("q", "")]), "/people");
    }

    #[test]
    fn the_summary_counts_each_category() {
        let counts = [(Category::Authority, 1), (Category::Staff, 40)];
        assert_eq!(summary(&counts, 41), "41 people: 40 staff, 1 authority.");
    }

    #[test]
    fn a_number_is_shown_as_it_is_read_aloud() {
        assert_eq!(number_in_words("+12025550142"), "+1 202-555-0142");
        assert_eq!(number_in_words("117"), "117");
    }

    #[test]
    fn one_short_page_has_no_way_on() {
        assert_eq!(
            pages("/people", &Asked::default(), 12, None),
            Pages::default()
        );
        let next = ContactId::new();
        let shown = pages("/people", &Asked::default(), 50, Some(next));
        assert_eq!(shown.shown, "1 to 50");
        assert!(
            shown
                .next
                .unwrap()
                .contains(&format!("after={next}&skipped=50"))
        );
    }
}
