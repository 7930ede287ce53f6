/** Texts of the view `login`. */

export const login = {
  title: "Log in",
  explanation: "Log in with an access token. The administrator's was printed when the service first started; others are made under Administration or with",
  token: "Access token",
  submit: "Log in",
  missing: "Please enter a token.",
  unknown: "This token is not known, or it was revoked.",
  tooMany: "Too many attempts. Please wait a minute and try again.",
  noAnswer: "The service does not answer. Is it running?",
  loggedOut: "You are logged out.",
  expired: "The login has ended. Log in again to go on where you were; what you typed is still there.",
};
