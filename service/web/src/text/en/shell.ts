/** Texts of the frame around every view. */

export const shell = {
  skip: "To the content",
  navigation: "Views",
  language: "Language",
  logOut: "Log out",
  connected: "Connected",
  connecting: "Connecting …",
  lost: "Not connected",
  noAnswer: (wait: string) =>
    `The service does not answer. Next try in ${wait}; what you see is from before, what you typed stays.`,
  tryingAgain: "The service does not answer. Trying again now; what you see is from before, what you typed stays.",
  tryNow: "Try now",
  stillLoggedIn: (why: string) => `You are still logged in: ${why}`,
  loading: "Loading …",
  notLoaded: "This part of the page could not be loaded. The service may have been updated or cannot be reached.",
  reload: "Load the page again",
  noView: "There is no such view",
  noViewHint: "The address may be mistyped, or your key may not see this.",
  configured: "token of the configuration",
  role: { viewer: "viewer", operator: "operator", admin: "administrator" },
};
