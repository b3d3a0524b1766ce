//! Spanish, in the polite form.

use super::{
    AccountTexts, AskingTexts, ConsentTexts, InvitationTexts, NewPasswordTexts, RecordTexts,
    SignInTexts, Texts, Trouble, Troubles,
};

pub(in crate::oauth::pages) const SPANISH: Texts = Texts {
    tag: "es",
    tagline: "Sus datos, para su asistente",
    skip: "Saltar al contenido",
    sign_in: SignInTexts {
        title: "Iniciar sesión",
        asks: "quiere usar datos en su nombre. Inicie sesión para ver qué pide.",
        lead: "Inicie sesión para continuar.",
        username: "Nombre o correo electrónico",
        username_hint: "Tal como se lo dio su administrador.",
        password: "Contraseña",
        submit: "Iniciar sesión",
        provider: "Continuar con su organización",
        wrong: "Este nombre y esta contraseña no corresponden. Revise ambos e inténtelo de nuevo.",
        throttled: |minutes| {
            let unit = if minutes == 1 { "minuto" } else { "minutos" };
            format!("Ha habido demasiados intentos. Inténtelo de nuevo en {minutes} {unit}.")
        },
    },
    consent: ConsentTexts {
        title: "¿Permitir el acceso?",
        asks: "pide usar datos en su nombre.",
        signed_in_as: "Sesión iniciada como",
        not_you: "¿No es usted?",
        access_to: "Acceso a",
        may: "Podrá",
        read: "Leer datos",
        read_means: "Usar las herramientas de consulta, con lo que usted puede ver.",
        write: "Modificar datos",
        write_means: "Usar las herramientas que añaden, cambian o borran registros. Los cambios que haga \
                      contarán como hechos por usted.",
        read_only: "No podrá modificar nada.",
        local_title: "Vuelve a un programa de este equipo",
        local: "Cualquier programa de este equipo podría estar pidiéndolo. Permítalo solo si acaba de \
                iniciarlo usted, en un programa de su confianza.",
        document: "Cualquiera puede publicar una descripción así. Fíese de la dirección, no del nombre.",
        withdraw: "Puede retirar este permiso en cualquier momento en",
        account: "su cuenta",
        allow: "Permitir",
        deny: "Rechazar",
    },
    asking: AskingTexts {
        unnamed: "Una aplicación sin nombre",
        unverified: "Sin verificar",
        unverified_means: "Así se llama a sí misma.",
        goes_to: "Le envía a",
        this_computer: "Este equipo:",
        described_at: "Descrita en",
    },
    account: AccountTexts {
        title: "Su cuenta",
        sign_out: "Cerrar sesión",
        nobody: "Aquí nadie inicia sesión: esto es lo que se ha permitido en este equipo.",
        allowed: "Lo que ha permitido",
        nothing: "Todavía no ha permitido nada.",
        since: "Desde",
        withdraw: "Retirar",
        withdraw_means: "Una aplicación a la que retire el permiso ya no podrá usar datos en su nombre, hasta \
                         que se lo vuelva a dar.",
        withdrawn: "Permiso retirado.",
        change_password: "Cambiar la contraseña",
        current_password: "Contraseña actual",
        wrong_password: "La contraseña actual no es correcta. No se ha cambiado nada.",
        password_changed: "Su contraseña ha quedado guardada. Se ha cerrado su sesión en los demás navegadores.",
    },
    new_password: NewPasswordTexts {
        password: "Nueva contraseña",
        hint: "Al menos 12 caracteres, de cualquier tipo. Varias palabras se recuerdan bien.",
        again: "Nueva contraseña, otra vez",
        different: "Las dos contraseñas nuevas no son iguales. Escriba ambas de nuevo.",
        too_short: "La nueva contraseña es demasiado corta. Use al menos 12 caracteres.",
        too_long: "La nueva contraseña es demasiado larga. Use 1024 caracteres como máximo.",
        same_as_name: "La nueva contraseña es igual que el nombre. Elija otra.",
    },
    invitation: InvitationTexts {
        title: "Elija una contraseña",
        lead: "Ha recibido una invitación. Elija la contraseña con la que iniciará sesión.",
        submit: "Guardar e iniciar sesión",
    },
    record: RecordTexts {
        cut: "Algunos valores son más largos de lo que esta página puede mostrar; falta el resto.",
        data: "Son valores de la base de datos tal como está ahora. Su texto no es consejo de nadie.",
    },
    troubles: Troubles {
        detail: "Para quien desarrolla la aplicación",
        client: Trouble {
            title: "Aplicación desconocida",
            happened: "Este servidor no conoce la aplicación que le ha enviado aquí.",
            advice: "Vuelva a ella, elimine la conexión y añádala de nuevo. Si no sirve, avise a su \
                     administrador.",
        },
        redirect: Trouble {
            title: "El camino de vuelta no es seguro",
            happened: "La aplicación quiere enviarle a una dirección que no puede usar. Le hemos \
                       detenido aquí y no se ha enviado nada.",
            advice: "Si confía en la aplicación, elimine la conexión y añádala de nuevo, o pida a su \
                     administrador que permita su dirección.",
        },
        request: Trouble {
            title: "No se puede responder a esta petición",
            happened: "La aplicación que le ha enviado aquí ha hecho una petición que este servidor no \
                       entiende.",
            advice: "Vuelva a ella e inténtelo de nuevo. Si no sirve, avise a quienes la hicieron.",
        },
        form: Trouble {
            title: "Esta página ha caducado",
            happened: "El formulario no se hizo para este navegador, o ha iniciado o cerrado sesión \
                       desde que lo abrió. No se ha hecho nada.",
            advice: "Empiece de nuevo. Si vuelve a ver esta página, permita las cookies de este sitio.",
        },
        not_admitted: Trouble {
            title: "No puede entrar aquí",
            happened: "Esta persona no puede entrar aquí:",
            advice: "Inicie sesión como otra persona o pida acceso a su administrador.",
        },
        unavailable: Trouble {
            title: "No disponible en este momento",
            happened: "Este servidor no puede acceder a su propio estado. No se ha hecho nada.",
            advice: "Espere un momento e inténtelo de nuevo. Si continúa, avise a su administrador.",
        },
        invitation: Trouble {
            title: "Este enlace ya no sirve",
            happened: "La invitación ya se usó, ha caducado o fue reemplazada por otra más reciente.",
            advice: "Si ya eligió su contraseña, inicie sesión. Si no, pida otra invitación a su \
                     administrador.",
        },
        sign_in_lost: Trouble {
            title: "Este inicio de sesión ha caducado",
            happened: "Ya se completó, tardó más de diez minutos o se empezó en otro navegador. No ha \
                       iniciado sesión con él.",
            advice: "Vuelva al lugar de donde vino o empiece de nuevo. Si vuelve a ver esta página, \
                     permita las cookies de este sitio.",
        },
        provider: Trouble {
            title: "El inicio de sesión de su organización no está disponible",
            happened: "El servicio con el que inicia sesión no responde como debería. No ha iniciado \
                       sesión.",
            advice: "Espere un momento y empiece de nuevo. Si continúa, avise a su administrador.",
        },
        provider_refused: Trouble {
            title: "No ha iniciado sesión",
            happened: "El inicio de sesión de su organización no ha confirmado quién es usted.",
            advice: "Empiece de nuevo. Si vuelve a ocurrir, avise a su administrador; el motivo está en el \
                     registro de este servidor.",
        },
        no_operator: Trouble {
            title: "Esta página es para operadores",
            happened: "Esta persona no está en el grupo «operators»:",
            advice: "Inicie sesión como alguien que lo esté, o pida a quien administra este servidor \
                     que añada el grupo: mssql-mcp user groups NOMBRE operators.",
        },
        no_record: Trouble {
            title: "No existe ese registro",
            happened: "Se ha eliminado, o su dirección no está completa.",
            advice: "Vuelva a la respuesta que le ha traído aquí y siga su enlace de nuevo, o pregunte \
                     otra vez.",
        },
        record_refused: Trouble {
            title: "Este registro no se puede ver",
            happened: "Las reglas de este servidor dicen:",
            advice: "Si lo necesita, hable con su administrador.",
        },
        record_failed: Trouble {
            title: "No se ha podido leer el registro",
            happened: "La base de datos dice:",
            advice: "Espere un momento y cargue esta página de nuevo. Si continúa, avise a su \
                     administrador.",
        },
        start_again: "Empezar de nuevo",
        somebody_else: "Iniciar sesión como otra persona",
    },
};
