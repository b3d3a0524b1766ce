// The component: the tools, over what the host gives them.

import { component } from "../../sdk/javascript/mssql-mcp.js";
import { imports } from "../../sdk/javascript/mssql-mcp-imports.js";
import tools from "./tools.js";

export const { provider, lifecycle } = component(tools, imports);
