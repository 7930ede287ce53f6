/** What is live, for components. */

import { useEffect, useRef, useState } from "preact/hooks";
import {
  currentLink,
  currentStates,
  type End,
  type Link,
  onEvent,
  onLink,
  onPictures,
  onReconnect,
  onStates,
  onTracks,
  type PictureWish,
} from "./connection";
import type { CameraState, Frame, LiveEvent, Picture } from "./messages";

/** The state of the connection. */
export function useLink(): Link {
  return useChanging(onLink, currentLink);
}

/** What every camera that may be seen does, by its id; changes as they do. */
export function useStates(): ReadonlyMap<string, CameraState> {
  return useChanging(onStates, currentStates);
}

/** Each new event, in order. */
export function useEvents(told: (event: LiveEvent) => void): void {
  const newest = useNewest(told);
  useEffect(() => onEvent((event) => newest.current(event)), []);
}

/** When a connection stands again that was lost. */
export function useReconnected(told: () => void): void {
  const newest = useNewest(told);
  useEffect(() => onReconnect(() => newest.current()), []);
}

/** Each frame of a camera that was looked at. */
export function useTracks(stream: string, told: (frame: Frame) => void): void {
  const newest = useNewest(told);
  useEffect(() => onTracks(stream, (frame) => newest.current(frame)), [stream]);
}

/** Pictures of a camera with what was found in them; null wishes none. */
export function usePictures(stream: string, wish: PictureWish | null, told: (picture: Picture) => void): void {
  const newest = useNewest(told);
  useEffect(() => {
    if (wish === null) return;
    return onPictures(stream, wish, (picture) => newest.current(picture));
  }, [stream, wish?.fps, wish?.width]);
}

/** Draws the component anew every so many ms, for texts that tell time. */
export function useTick(every = 1_000): void {
  const [, draw] = useState({});
  useEffect(() => {
    const timer = setInterval(() => draw({}), every);
    return () => clearInterval(timer);
  }, [every]);
}

function useChanging<T>(follow: (told: () => void) => End, read: () => T): T {
  const [, draw] = useState({});
  useEffect(() => {
    // It may have changed between the drawing and now.
    draw({});
    return follow(() => draw({}));
  }, []);
  return read();
}

function useNewest<T>(value: T): { current: T } {
  const kept = useRef(value);
  kept.current = value;
  return kept;
}
