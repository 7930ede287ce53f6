import { useText } from "../text";
import "./CameraChoice.css";

interface Properties {
  cameras: readonly { id: string; name: string }[];
  value: string;
  onValue(id: string): void;
}

/** Which camera a view is about. */
export function CameraChoice({ cameras, value, onValue }: Properties) {
  const text = useText();
  return (
    <label class="camera-choice">
      {text.parts.camera}
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {cameras.map(({ id, name }) => (
          <option key={id} value={id} selected={id === value}>
            {name || id}
          </option>
        ))}
      </select>
    </label>
  );
}
