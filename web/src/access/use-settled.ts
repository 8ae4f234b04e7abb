// A text that is being typed, as it is once typing has paused.
import { useEffect, useState } from 'react';

// Longer than between two letters, shorter than what feels slow.
const pauseMs = 250;

export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
