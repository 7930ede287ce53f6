/** Texts of parts that every view uses. */

export const parts = {
  camera: "Camera",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  actions: "Actions",
  optional: "optional",
  next: "Next",
  previous: "Previous",
  retry: "Try again",
  failed: "That did not work",
  noAnswer: "The service does not answer. Nothing that you typed is lost; please try again.",
  tooMany: (wait: string) => `Too many attempts. Please try again in ${wait}.`,
  livePicture: (name: string) => `Live picture of ${name}`,
};
