/** Texts of the view `events`. */

export const events = {
  title: "Events",
};
