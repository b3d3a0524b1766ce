// The component: the tools, over what the host gives them.

import { component } from "./mssql-mcp.js";
import { imports } from "./mssql-mcp-imports.js";
import tools from "./tools.js";

// For tools that change data, in the world `write-tools`:
//     import * as execute from "mssql-mcp:database/db-execute@1.0.0";
//     component(tools, { ...imports, execute })
export const { provider, lifecycle } = component(tools, imports);
