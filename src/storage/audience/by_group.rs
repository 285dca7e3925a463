//! Freezes which of the groups asked for each recipient was in, for the report.

use super::{Selection, rules};
use crate::ids::AlertNumber;
use crate::storage::{Error, Tx};

/// The groups asked for, each with everything it contains and the people of all that. `$1` is a JSON
/// array of group ids; how it is read is all that differs between the engines.
macro_rules! in_groups {
    ($groups:literal) => {
        concat!(
            "WITH RECURSIVE chosen (root, id) AS (",
            $groups,
            "    UNION
                 SELECT chosen.root, part.part_id FROM chosen
                 JOIN group_part part ON part.group_id = chosen.id
             ),
             held (root, contact_id) AS (
                 SELECT chosen.root, member.contact_id FROM group_member member
                 JOIN chosen ON member.group_id = chosen.id
                 UNION
                 SELECT chosen.root, contact.id FROM contact JOIN chosen ON ",
            rules!(),
            ")
             INSERT INTO recipient_group (recipient, name)
             SELECT recipient.id, contact_group.name FROM held
             JOIN contact_group ON contact_group.id = held.root
             JOIN recipient ON recipient.alert = $2 AND recipient.contact_id = held.contact_id"
        )
    };
}

/// Writes down for each recipient which of the selection's groups they were in. Of an audience that
/// is one group it is known already, and nothing is written: everyone was in it.
pub async fn freeze_groups(
    tx: &mut Tx,
    alert: AlertNumber,
    selection: &Selection,
) -> Result<(), Error> {
    if selection.groups.len() + selection.contacts.len() < 2 {
        return Ok(());
    }
    tx.sql_for(
        in_groups!(
            "SELECT unhex(replace(value, '-', '')), unhex(replace(value, '-', '')) FROM json_each($1) "
        ),
        in_groups!(
            "SELECT value::uuid, value::uuid FROM jsonb_array_elements_text($1) AS asked (value) "
        ),
    )
    .bind(selection.groups())
    .bind(alert)
    .execute()
    .await?;
    Ok(())
}
