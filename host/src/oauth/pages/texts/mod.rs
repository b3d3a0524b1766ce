//! All that pages say, one file a language: what is missing in one does not
//! compile.

mod english;
mod spanish;

pub(super) use english::ENGLISH;
pub(super) use spanish::SPANISH;

/// In one language.
#[derive(Debug)]
pub(crate) struct Texts {
    /// BCP 47.
    pub(crate) tag: &'static str,
    /// What this server is, under its name.
    pub(crate) tagline: &'static str,
    /// The link over the page that leads to its content.
    pub(crate) skip: &'static str,
    pub(crate) sign_in: SignInTexts,
    pub(crate) consent: ConsentTexts,
    pub(crate) asking: AskingTexts,
    pub(crate) account: AccountTexts,
    pub(crate) new_password: NewPasswordTexts,
    pub(crate) invitation: InvitationTexts,
    pub(crate) record: RecordTexts,
    pub(crate) troubles: Troubles,
}

/// Of the page on which people sign in.
#[derive(Debug)]
pub(crate) struct SignInTexts {
    pub(crate) title: &'static str,
    /// After a client's name.
    pub(crate) asks: &'static str,
    /// Without a client.
    pub(crate) lead: &'static str,
    pub(crate) username: &'static str,
    pub(crate) username_hint: &'static str,
    pub(crate) password: &'static str,
    pub(crate) submit: &'static str,
    /// The button that leads to the OpenID Connect provider.
    pub(crate) provider: &'static str,
    /// Name or password is wrong; says no more.
    pub(crate) wrong: &'static str,
    /// Too many attempts: minutes to wait.
    pub(crate) throttled: fn(u64) -> String,
}

/// Of the page on which people consent.
#[derive(Debug)]
pub(crate) struct ConsentTexts {
    pub(crate) title: &'static str,
    /// After a client's name.
    pub(crate) asks: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) not_you: &'static str,
    pub(crate) access_to: &'static str,
    pub(crate) may: &'static str,
    pub(crate) read: &'static str,
    pub(crate) read_means: &'static str,
    pub(crate) write: &'static str,
    pub(crate) write_means: &'static str,
    pub(crate) read_only: &'static str,
    /// Of a client whose answers go to this computer.
    pub(crate) local_title: &'static str,
    pub(crate) local: &'static str,
    /// Of a client that describes itself at an address.
    pub(crate) document: &'static str,
    /// Before the link to the account.
    pub(crate) withdraw: &'static str,
    pub(crate) account: &'static str,
    pub(crate) allow: &'static str,
    pub(crate) deny: &'static str,
}

/// Of who asks.
#[derive(Debug)]
pub(crate) struct AskingTexts {
    pub(crate) unnamed: &'static str,
    /// What is to be thought of the name.
    pub(crate) unverified: &'static str,
    pub(crate) unverified_means: &'static str,
    pub(crate) goes_to: &'static str,
    /// Before a loopback address or a scheme.
    pub(crate) this_computer: &'static str,
    /// Before the address of a metadata document.
    pub(crate) described_at: &'static str,
}

/// Of the page of a person's account.
#[derive(Debug)]
pub(crate) struct AccountTexts {
    pub(crate) title: &'static str,
    pub(crate) sign_out: &'static str,
    /// Where nobody signs in.
    pub(crate) nobody: &'static str,
    pub(crate) allowed: &'static str,
    /// Nothing is allowed.
    pub(crate) nothing: &'static str,
    pub(crate) since: &'static str,
    pub(crate) withdraw: &'static str,
    pub(crate) withdraw_means: &'static str,
    pub(crate) withdrawn: &'static str,
    pub(crate) change_password: &'static str,
    pub(crate) current_password: &'static str,
    /// The current password is wrong.
    pub(crate) wrong_password: &'static str,
    pub(crate) password_changed: &'static str,
}

/// Of every form with a new password.
#[derive(Debug)]
pub(crate) struct NewPasswordTexts {
    pub(crate) password: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) again: &'static str,
    /// The two are not the same.
    pub(crate) different: &'static str,
    pub(crate) too_short: &'static str,
    pub(crate) too_long: &'static str,
    pub(crate) same_as_name: &'static str,
}

/// Of the page that an invitation leads to.
#[derive(Debug)]
pub(crate) struct InvitationTexts {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) submit: &'static str,
}

/// Of the page of a record.
#[derive(Debug)]
pub(crate) struct RecordTexts {
    /// Part of a value is missing.
    pub(crate) cut: &'static str,
    /// What is to be thought of the values.
    pub(crate) data: &'static str,
}

/// What happened, and what to do next.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) title: &'static str,
    pub(crate) happened: &'static str,
    pub(crate) advice: &'static str,
}

/// Everything that leads to the page of errors, and the ways out of it.
#[derive(Debug)]
pub(crate) struct Troubles {
    /// Before the detail for developers.
    pub(crate) detail: &'static str,
    /// The client is unknown.
    pub(crate) client: Trouble,
    /// The redirect URI is wrong.
    pub(crate) redirect: Trouble,
    /// The request itself is wrong.
    pub(crate) request: Trouble,
    /// The form is not one of this browser's.
    pub(crate) form: Trouble,
    /// The person may not enter.
    pub(crate) not_admitted: Trouble,
    /// The store cannot be reached.
    pub(crate) unavailable: Trouble,
    /// An invitation was used, has expired, or never was.
    pub(crate) invitation: Trouble,
    /// A sign-in at the provider is not one of this browser's, or no longer.
    pub(crate) sign_in_lost: Trouble,
    /// The provider cannot be used.
    pub(crate) provider: Trouble,
    /// The provider does not say who the person is.
    pub(crate) provider_refused: Trouble,
    /// The person is none of the operators.
    pub(crate) no_operator: Trouble,
    /// There is no such record.
    pub(crate) no_record: Trouble,
    /// A record is not to be seen.
    pub(crate) record_refused: Trouble,
    /// The database does not give a record.
    pub(crate) record_failed: Trouble,
    pub(crate) start_again: &'static str,
    pub(crate) somebody_else: &'static str,
}
