//! English.

use super::{AskingTexts, ConsentTexts, SignInTexts, Texts, Trouble, Troubles};

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
        write_means: "Run the tools that add, alter or delete records. What it changes, you have changed.",
        read_only: "It cannot change anything.",
        local_title: "Goes to a program on this computer",
        local: "Any program on this computer could be asking. Allow this only if you have just started it \
                yourself, in a program that you trust.",
        document: "Anybody can publish such a description. Trust the address, not the name.",
        withdraw: "You can withdraw this at any time.",
        allow: "Allow",
        deny: "Deny",
    },
    asking: AskingTexts {
        application: "Application",
        unnamed: "An application without a name",
        unverified: "Not verified",
        goes_to: "Sends you to",
        this_computer: "This computer:",
        described_at: "Described at",
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
        start_again: "Start again",
        somebody_else: "Sign in as somebody else",
    },
};
