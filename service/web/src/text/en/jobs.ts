/** Texts of the view `jobs`. */

export const jobs = {
  title: "Jobs",
};
