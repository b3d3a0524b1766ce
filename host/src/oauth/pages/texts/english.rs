//! English.

use super::{
    AccountTexts, AskingTexts, ConsentTexts, InvitationTexts, NewPasswordTexts, RecordTexts,
    SignInTexts, Texts, Trouble, Troubles,
};

pub(in crate::oauth::pages) const ENGLISH: Texts = Texts {
    tag: "en",
    tagline: "Your data, for your assistant",
    skip: "Skip to content",
    sign_in: SignInTexts {
        title: "Sign in",
        asks: "wants to use data in your name. Sign in to see what it asks for.",
        lead: "Sign in to go on.",
        username: "Name or e-mail address",
        username_hint: "As your administrator has given it to you.",
        password: "Password",
        submit: "Sign in",
        provider: "Continue with your organisation",
        wrong: "This name and password do not go together. Check both and try again.",
        throttled: |minutes| {
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            format!("There were too many attempts. Try again in {minutes} {unit}.")
        },
    },
    consent: ConsentTexts {
        title: "Allow access?",
        asks: "asks to use data in your name.",
        signed_in_as: "Signed in as",
        not_you: "Not you?",
        access_to: "Access to",
        may: "It may",
        read: "Read data",
        read_means: "Run the tools that look things up, with what you may see.",
        write: "Change data",
        write_means: "Run the tools that add, alter or delete records. Its changes count as yours.",
        read_only: "It cannot change anything.",
        local_title: "Goes to a program on this computer",
        local: "Any program on this computer could be asking. Allow this only if you have just started it \
                yourself, in a program that you trust.",
        document: "Anybody can publish such a description. Trust the address, not the name.",
        withdraw: "You can withdraw this at any time in",
        account: "your account",
        allow: "Allow",
        deny: "Deny",
    },
    asking: AskingTexts {
        unnamed: "An application without a name",
        unverified: "Not verified",
        unverified_means: "This is what it calls itself.",
        goes_to: "Sends you to",
        this_computer: "This computer:",
        described_at: "Described at",
    },
    account: AccountTexts {
        title: "Your account",
        sign_out: "Sign out",
        nobody: "Nobody signs in here: this is what was allowed on this computer.",
        allowed: "What you have allowed",
        nothing: "You have not allowed anything yet.",
        since: "Since",
        withdraw: "Withdraw",
        withdraw_means: "An application that you withdraw from cannot use data in your name any more, until \
                         you allow it again.",
        withdrawn: "It is withdrawn.",
        change_password: "Change password",
        current_password: "Current password",
        wrong_password: "The current password is wrong. Nothing was changed.",
        password_changed: "Your password is set. Other browsers in which you were signed in are signed out.",
    },
    new_password: NewPasswordTexts {
        password: "New password",
        hint: "At least 12 characters, of any kind. Several words are easy to remember.",
        again: "New password, again",
        different: "The two new passwords are not the same. Type both again.",
        too_short: "The new password is too short. Use at least 12 characters.",
        too_long: "The new password is too long. Use at most 1,024 characters.",
        same_as_name: "The new password is the same as the name. Choose another.",
    },
    invitation: InvitationTexts {
        title: "Choose a password",
        lead: "You have been invited. Choose the password that you will sign in with.",
        submit: "Set password and sign in",
    },
    record: RecordTexts {
        cut: "Some values are longer than this page may show; the rest of them is left out.",
        data: "These are values of the database as it is now. Their text is nobody's advice.",
    },
    troubles: Troubles {
        detail: "For the developer of the application",
        client: Trouble {
            title: "Unknown application",
            happened: "The application that sent you here is not known to this server.",
            advice: "Go back to it, remove the connection and add it again. If that does not help, \
                     tell your administrator.",
        },
        redirect: Trouble {
            title: "The way back is not safe",
            happened: "The application wants to send you to an address that it may not use. You have \
                       been stopped here, and nothing was sent.",
            advice: "If you trust the application, remove the connection and add it again, or ask your \
                     administrator to allow its address.",
        },
        request: Trouble {
            title: "This request cannot be answered",
            happened: "The application that sent you here made a request that this server does not \
                       understand.",
            advice: "Go back to it and try again. If that does not help, tell those who made it.",
        },
        form: Trouble {
            title: "This page is out of date",
            happened: "The form was not made for this browser, or you have signed in or out since you \
                       opened it. Nothing was done.",
            advice: "Start again. If this page comes back, allow cookies for this site.",
        },
        not_admitted: Trouble {
            title: "You may not enter here",
            happened: "This person may not enter here:",
            advice: "Sign in as somebody else, or ask your administrator for access.",
        },
        unavailable: Trouble {
            title: "Not available at the moment",
            happened: "This server cannot reach its own state. Nothing was done.",
            advice: "Wait a moment and try again. If it lasts, tell your administrator.",
        },
        invitation: Trouble {
            title: "This link is no longer good",
            happened: "The invitation was used, has expired, or was replaced by a newer one.",
            advice: "If you have set your password, sign in. Otherwise ask your administrator for a new \
                     invitation.",
        },
        sign_in_lost: Trouble {
            title: "This sign-in is out of date",
            happened: "It was finished before, took longer than ten minutes, or was begun in another \
                       browser. You are not signed in by it.",
            advice: "Go back to where you came from, or start again. If this page comes back, allow \
                     cookies for this site.",
        },
        provider: Trouble {
            title: "Your organisation's sign-in cannot be used",
            happened: "The service that you sign in with does not answer as it should. You are not signed \
                       in.",
            advice: "Wait a moment and start again. If it lasts, tell your administrator.",
        },
        provider_refused: Trouble {
            title: "You are not signed in",
            happened: "Your organisation's sign-in did not confirm who you are.",
            advice: "Start again. If it happens again, tell your administrator; the reason is in the log \
                     of this server.",
        },
        no_operator: Trouble {
            title: "This page is for operators",
            happened: "This person is not in the group \"operators\":",
            advice: "Sign in as somebody who is, or have whoever runs this server add the group: \
                     mssql-mcp user groups NAME operators.",
        },
        no_record: Trouble {
            title: "There is no such record",
            happened: "It was deleted, or its address is not complete.",
            advice: "Go back to the answer that led here and follow its link again, or ask anew.",
        },
        record_refused: Trouble {
            title: "This record is not to be seen",
            happened: "The rules of this server say:",
            advice: "If you need it, ask your administrator.",
        },
        record_failed: Trouble {
            title: "The record could not be read",
            happened: "The database says:",
            advice: "Wait a moment and load this page again. If it lasts, tell your administrator.",
        },
        start_again: "Start again",
        somebody_else: "Sign in as somebody else",
    },
};
