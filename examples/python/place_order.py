"""Places an order, changes it, cancels it, and shows what the server says about it.

    python3 place_order.py ws://127.0.0.1:9001 key.json BTC-USD 64000.25 0.5

key.json is what `crossbook keys create --account 7 --role trader` has printed.
"""
import json
import sys
import time
from decimal import Decimal

from crossbook import Session
from records import OrderField, OrderType, Side

TICKS_OR_LOTS = 255  # scale of a replaceOrder's values that are not decimals


def units(text, value, scale):
    """A decimal as a whole number of ticks or lots, which are value × 10^-scale each."""
    count = Decimal(text) / (Decimal(value) / 10**scale)
    if count != count.to_integral_value():
        raise SystemExit(f"{text} is no whole number of ticks or lots")
    return int(count)


def answer(session, request):
    """Prints the next event of our own command and returns its name."""
    while True:
        name, fields = session.next()
        if fields.get("requestId") != request:
            continue
        shown = ("seq", "index", "clientOrderId", "orderId", "quantityLots", "priceTicks", "reason")
        print(json.dumps({"event": name, **{key: fields[key] for key in shown if key in fields}}))
        return name


def main(url, key_file, symbol, price, quantity):
    with open(key_file, encoding="utf-8") as file:
        key = json.load(file)
    session = Session(url, key, cancel_on_disconnect=True)
    try:
        print(f"logged on for account {session.account} as {session.role.name}", file=sys.stderr)
        instrument = session.instruments().get(symbol)
        if instrument is None:
            raise SystemExit(f"there is no instrument {symbol}")
        ticks = units(price, instrument["tickSize"], instrument["tickSizeScale"])
        lots = units(quantity, instrument["lotSize"], instrument["lotSizeScale"])

        order = time.time_ns() // 1000
        request = session.command(
            "NewOrder",
            instrumentId=instrument["instrumentId"],
            clientOrderId=order,
            side=Side.BUY,
            orderType=OrderType.LIMIT,
            priceTicks=ticks,
            quantityLots=lots,
            present=OrderField.PRICE | OrderField.QUANTITY | OrderField.CLIENT_ORDER_ID,
        )
        if answer(session, request) != "Accepted":
            return 1
        request = session.command(
            "ReplaceOrder",
            clientOrderId=order,
            price=ticks - 1,
            priceScale=TICKS_OR_LOTS,
            present=OrderField.PRICE,
        )
        if answer(session, request) != "Replaced":
            return 1
        request = session.command("CancelOrder", clientOrderId=order)
        return 0 if answer(session, request) == "Canceled" else 1
    finally:
        session.close()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    sys.exit(main(*sys.argv[1:]))
