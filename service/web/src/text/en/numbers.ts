/** Texts of the view `numbers`. */

export const numbers = {
  title: "Numbers",
};
