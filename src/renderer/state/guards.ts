/**
 * A kiosk page is no document: nothing may be dragged, dropped, zoomed, selected or opened by a
 * long press.
 */
export function guard(target: Window): void {
  const prevent = (event: Event): void => event.preventDefault();
  for (const type of [
    'contextmenu',
    'dragstart',
    'dragover',
    'drop',
    'selectstart',
    'auxclick',
    'gesturestart',
  ])
    target.addEventListener(type, prevent, { capture: true });
  target.addEventListener(
    'wheel',
    (event) => {
      if (event.ctrlKey) event.preventDefault();
    },
    { capture: true, passive: false },
  );
  target.addEventListener(
    'touchmove',
    (event) => {
      if (event.touches.length > 1) event.preventDefault();
    },
    { capture: true, passive: false },
  );
  target.addEventListener(
    'keydown',
    (event) => {
      // Zoom, print, find, save, reload and history belong to browsers; Tab, Enter, Space and
      // digits stay.
      if (event.ctrlKey || event.metaKey || event.altKey || /^F\d+$/.test(event.key))
        event.preventDefault();
    },
    { capture: true },
  );
}
