/** Texts of the view `correct`. */

export const correct = {
  title: "Correct",
};
