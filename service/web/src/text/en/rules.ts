/** Texts of the view `rules`. */

export const rules = {
  title: "Rules",
};
