/** Texts of the view `search`. */

export const search = {
  title: "Search",
};
