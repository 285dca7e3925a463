//! Says which roles may do what, in one table. Pure.

use crate::alert::words::word_enum;

word_enum! {
    /// What a person is trusted with. A person may have several; none at all may only sign in.
    Role {
        /// Sends approved messages and follows them up.
        Sender = "sender",
        /// Approves templates, and alerts that need a second person.
        Approver = "approver",
        /// Keeps the directory.
        DirectoryAdmin = "directory_admin",
        /// Keeps accounts, tokens and gateways; sends nothing.
        SystemAdmin = "system_admin",
        /// Reads everything that was done; changes nothing.
        Auditor = "auditor",
    }
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Start an approved alert, live or as a drill.
    LaunchAlert,
    /// Say yes to an alert that needs a second person.
    ApproveAlert,
    /// Stop, update, correct, remind, give the all-clear.
    FollowUp,
    /// Look at running and past alerts, with numbers masked.
    SeeBoards,
    /// Note what someone answered on the phone.
    RecordForOthers,
    /// See the number of a person in a running alert, to call the person.
    CallPeople,
    /// See the directory, with numbers masked.
    SeeDirectory,
    /// See numbers and addresses in full anywhere.
    SeeNumbers,
    /// Change people, groups and call trees; import.
    EditDirectory,
    /// Take the whole directory out of the house as a file.
    ExportDirectory,
    /// Read the templates.
    SeeTemplates,
    /// Approve a version of a template.
    ApproveTemplates,
    /// Make, change and disable accounts.
    ManageAccounts,
    /// Make and revoke API tokens.
    ManageTokens,
    /// See the state of gateways and of the system.
    SeeSystem,
    /// Read and check the audit chain.
    ReadAudit,
}

impl Act {
    /// Whether a house that asks for a second factor asks for it here: wherever something is sent, changed
    /// or taken out. Looking on, and helping to phone people, must not fail for a forgotten phone.
    pub fn needs_second_factor(self) -> bool {
        match self {
            Self::SeeBoards
            | Self::RecordForOthers
            | Self::CallPeople
            | Self::SeeDirectory
            | Self::SeeTemplates
            | Self::SeeSystem
            | Self::ReadAudit => false,
            Self::LaunchAlert
            | Self::ApproveAlert
            | Self::FollowUp
            | Self::SeeNumbers
            | Self::EditDirectory
            | Self::ExportDirectory
            | Self::ApproveTemplates
            | Self::ManageAccounts
            | Self::ManageTokens => true,
        }
    }
}

/// Whether any of these roles may do it. What is not in the table is not allowed.
pub fn may(roles: &[Role], act: Act) -> bool {
    let allowed = who_may(act);
    roles.iter().any(|role| allowed.contains(role))
}

fn who_may(act: Act) -> &'static [Role] {
    use Role::{Approver, Auditor, DirectoryAdmin, Sender, SystemAdmin};
    match act {
        Act::LaunchAlert | Act::FollowUp | Act::RecordForOthers | Act::CallPeople => {
            &[Sender, Approver]
        }
        Act::ApproveAlert | Act::ApproveTemplates => &[Approver],
        // Everyone with a role, because everyone must see what is going on in an emergency.
        Act::SeeBoards | Act::SeeTemplates => Role::ALL,
        Act::SeeDirectory => &[Sender, Approver, DirectoryAdmin, Auditor],
        Act::SeeNumbers | Act::EditDirectory | Act::ExportDirectory => &[DirectoryAdmin],
        Act::ManageAccounts | Act::ManageTokens => &[SystemAdmin],
        Act::SeeSystem => &[Sender, Approver, SystemAdmin, Auditor],
        Act::ReadAudit => &[Auditor, SystemAdmin],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_without_a_role_may_do_anything() {
        assert!(!may(&[], Act::SeeBoards));
        assert!(!may(&[], Act::LaunchAlert));
    }

    #[test]
    fn the_system_administrator_keeps_accounts_and_sends_nothing() {
        assert!(may(&[Role::SystemAdmin], Act::ManageAccounts));
        assert!(!may(&[Role::SystemAdmin], Act::LaunchAlert));
        assert!(!may(&[Role::SystemAdmin], Act::SeeNumbers));
    }

    #[test]
    fn the_auditor_reads_and_changes_nothing() {
        assert!(may(&[Role::Auditor], Act::ReadAudit));
        for act in [
            Act::LaunchAlert,
            Act::FollowUp,
            Act::EditDirectory,
            Act::ManageTokens,
        ] {
            assert!(!may(&[Role::Auditor], act), "{act:?}");
        }
    }

    #[test]
    fn a_sender_calls_people_but_does_not_read_the_directorys_numbers() {
        assert!(may(&[Role::Sender], Act::CallPeople));
        assert!(!may(&[Role::Sender], Act::SeeNumbers));
    }

    #[test]
    fn roles_add_up() {
        let roles = [Role::Sender, Role::DirectoryAdmin];
        assert!(may(&roles, Act::LaunchAlert) && may(&roles, Act::EditDirectory));
        assert!(!may(&roles, Act::ApproveTemplates));
    }

    #[test]
    fn a_role_is_one_word_for_the_command_line() {
        assert_eq!(
            "directory_admin".parse::<Role>().unwrap(),
            Role::DirectoryAdmin
        );
        assert!("root".parse::<Role>().unwrap_err().contains("system_admin"));
    }
}
