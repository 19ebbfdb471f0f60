import cancelOrder from "./examples/cancel_order.graphql";
import cancelOrderVariables from "./examples/cancel_order.json";
import firstLook from "./examples/first_look.graphql";
import orderUpdates from "./examples/order_updates.graphql";
import orderUpdatesVariables from "./examples/order_updates.json";
import orders from "./examples/orders.graphql";
import ordersVariables from "./examples/orders.json";
import placeLimitOrder from "./examples/place_limit_order.graphql";
import placeLimitOrderVariables from "./examples/place_limit_order.json";
import placeMarketOrder from "./examples/place_market_order.graphql";
import placeMarketOrderVariables from "./examples/place_market_order.json";

function tab(query, variables) {
  return { query, variables: variables && JSON.stringify(variables, null, 2) };
}

export const examples = [
  tab(firstLook),
  tab(placeMarketOrder, placeMarketOrderVariables),
  tab(placeLimitOrder, placeLimitOrderVariables),
  tab(orders, ordersVariables),
  tab(orderUpdates, orderUpdatesVariables),
  tab(cancelOrder, cancelOrderVariables),
];
