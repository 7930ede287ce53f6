/** What happens, by the service's name of the kind. */

export const kinds = {
  line_cross: "Line crossed",
  zone_enter: "Zone entered",
  zone_exit: "Zone left",
  zone_dwell: "Stayed in a zone",
  loitering: "Loitering",
  occupancy: "Zone full or free again",
  track_start: "Came into view",
  track_end: "Left the view",
  transit: "Went from camera to camera",
  stream_state: "State of a camera",
};
