import "graphiql/graphiql.css";
import "./page.css";

import { createRoot } from "react-dom/client";

import { Page } from "./page.jsx";

const theme = localStorage.getItem("graphiql:theme");
if (theme) document.body.classList.add(`graphiql-${theme}`);

createRoot(document.getElementById("page")).render(<Page />);
