/**
 * Stands in for react-style-singleton: dialogs lock scrolling with an inline style element, which
 * the Content-Security-Policy forbids and a page that never scrolls does not need.
 */
export const styleSingleton = () => () => null;
