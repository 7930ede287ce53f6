/** Texts of the player of jobs and its list of tracks. */

export const player = {
  screen: "Video with its tracks; space plays, arrow keys go frame by frame",
  play: "Play",
  pause: "Pause",
  before: "One frame back",
  after: "One frame on",
  time: "Place in the video",
  speed: "Speed",
  copying:
    "This browser cannot play the file as it was sent. A copy that it can play is being made; that takes about as long as reading the video.",
  copyingBlurred: "A copy in which people are blurred is being made; that takes about as long as reading the video.",
  copied: "This browser cannot play the file as it was sent; this is a copy of it.",
  tracks: "Tracks",
  count: (count: string) => `Tracks: ${count}`,
  find: "Number",
  noTrack: "No track has such a number.",
  more: "Show more",
};
