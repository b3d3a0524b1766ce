//! Spanish, in the polite form.

use super::{GuideTexts, Steps};

pub(super) const SPANISH: GuideTexts = GuideTexts {
    home_title: "Un servidor para su asistente",
    home_lead: "Claude, ChatGPT y otros asistentes que hablan MCP pueden consultar una base de datos de \
                Microsoft SQL Server a través de este servidor, en su nombre y con lo que usted puede ver.",
    account: "Su cuenta",
    account_means: "Vea lo que ha permitido, retírelo, cambie su contraseña.",
    how: "Cómo conectar",
    docs_title: "Cómo conectar",
    docs_lead: "Un asistente necesita una sola dirección. Lo demás lo averigua por sí mismo.",
    not_public: "Esta dirección es de este equipo o de su red. Los programas de aquí pueden usarla; \
                 claude.ai y ChatGPT no, porque sus servidores deben alcanzarla por https desde Internet.",
    addresses: "Direcciones",
    for_claude: "Claude",
    for_chatgpt: "ChatGPT",
    at_root: "Sin nombre",
    for_others: "Otras entradas",
    others_mean: "Su administrador le dirá el nombre, si hay otras para usted.",
    no_slash: "Cópielas tal cual, sin barra al final. Los clientes que piden eventos enviados por el \
               servidor las terminan en /sse en lugar de /mcp.",
    copy: "Copiar",
    copied: "Copiado",
    claude: Steps {
        title: "Claude: web, escritorio y móvil",
        lead: "Añádalo una vez en la web o en el escritorio; después estará también en el teléfono.",
        steps: &[
            "Abra Configuración y luego Conectores.",
            "Elija Añadir conector personalizado, póngale un nombre y pegue la dirección para Claude.",
            "Deje vacía la configuración avanzada y elija Añadir; después, Conectar.",
            "En una conversación, actívelo en el menú de herramientas.",
        ],
        note: "En los planes Team y Enterprise un propietario lo añade primero entre los conectores de la \
               organización; después cada persona se conecta allí.",
    },
    chatgpt: Steps {
        title: "ChatGPT",
        lead: "Los conectores propios necesitan el modo desarrollador, que no todos los planes tienen.",
        steps: &[
            "En la web, abra Configuración, luego Conectores (o Aplicaciones), Configuración avanzada, y \
             active el modo desarrollador. En el espacio de una empresa, antes debe permitirlo un \
             administrador en la configuración del espacio.",
            "De vuelta en Conectores elija Crear. Póngale un nombre, pegue la dirección para ChatGPT y \
             elija OAuth como autenticación.",
            "Indique que confía en él y elija Crear.",
            "En una conversación, elíjalo en el menú junto al campo de texto.",
        ],
        note: "Buscar y leer registros funciona también en la investigación profunda.",
    },
    claude_code: Steps {
        title: "Claude Code",
        lead: "En una terminal:",
        steps: &["Después escriba /mcp en Claude Code, elija el servidor e inicie sesión."],
        note: "",
    },
    vs_code: Steps {
        title: "VS Code",
        lead: "En .vscode/mcp.json de su carpeta, o con la orden «MCP: Add Server»:",
        steps: &[
            "Elija Start encima de la entrada y deje que VS Code inicie sesión cuando lo pida.",
        ],
        note: "",
    },
    after: Steps {
        title: "Qué ocurre después",
        lead: "Su navegador abre una página de este servidor.",
        steps: &[
            "Inicie sesión tal como se lo indicó su administrador.",
            "La página dice qué aplicación lo pide y qué podrá hacer. Permítalo solo si acaba de \
             iniciarlo usted.",
            "Vuelve a la aplicación. En su cuenta puede retirarlo en cualquier momento.",
        ],
        note: "",
    },
    after_open: "En este servidor nadie inicia sesión: responde a los programas de su propio equipo.",
    trouble: Steps {
        title: "Si no conecta",
        lead: "",
        steps: &[
            "Compare la dirección letra por letra: https, sin barra al final.",
            "Quite la conexión en la aplicación y añádala de nuevo.",
            "«No puede entrar aquí» significa que ha iniciado sesión y que el administrador debe \
             darle acceso.",
            "Su administrador puede hacer que se pruebe y se nombre cada paso:",
        ],
        note: "",
    },
    back: "Inicio",
};
