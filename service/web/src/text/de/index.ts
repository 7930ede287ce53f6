import type { Catalogue } from "..";
import { administration } from "./administration";
import { cameras } from "./cameras";
import { correct } from "./correct";
import { events } from "./events";
import { jobs } from "./jobs";
import { kinds } from "./kinds";
import { login } from "./login";
import { numbers } from "./numbers";
import { parts } from "./parts";
import { player } from "./player";
import { reasons } from "./reasons";
import { rules } from "./rules";
import { search } from "./search";
import { shell } from "./shell";

export const de: Catalogue = {
  ...{ administration, cameras, correct, events, jobs, kinds, login },
  ...{ numbers, parts, player, reasons, rules, search, shell },
};
