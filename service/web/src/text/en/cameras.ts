/** Texts of the view `cameras`. */

export const cameras = {
  title: "Cameras",
};
