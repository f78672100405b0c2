// Places an order, changes it, cancels it, and shows what the server says about it.
//
//   ./place-order ws://127.0.0.1:9001 key.json BTC-USD 64000.25 0.5
//
// key.json is what `crossbook keys create --account 7 --role trader` has printed.
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

#include "session.h"

using namespace crossbook;

namespace {

/** Of a flat JSON object of strings without escapes, as a key file is. */
std::string member(const std::string &json, const std::string &name) {
  const size_t found = json.find("\"" + name + "\"");
  const size_t start = found == std::string::npos ? found : json.find('"', json.find(':', found));
  if (start == std::string::npos) throw std::runtime_error("the key file has no " + name);
  return json.substr(start + 1, json.find('"', start + 1) - start - 1);
}

Key read_key(const std::string &file) {
  std::ifstream input(file);
  std::stringstream text;
  text << input.rdbuf();
  if (!input) throw std::runtime_error("cannot read " + file);
  return {member(text.str(), "keyId"), member(text.str(), "secret")};
}

/** A decimal as a whole number of ticks or lots, which are value × 10^-scale each. No floats. */
int64_t units(const std::string &text, uint64_t value, uint8_t scale) {
  const size_t point = text.find('.');
  std::string digits = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  while (fraction.size() > scale && fraction.back() == '0') fraction.pop_back();
  if (fraction.size() > scale) throw std::runtime_error(text + " is finer than a tick or lot");
  fraction.resize(scale, '0');
  size_t read = 0;
  digits += fraction;
  const int64_t count = std::stoll(digits, &read);
  if (read != digits.size() || count % static_cast<int64_t>(value) != 0) {
    throw std::runtime_error(text + " is no whole number of ticks or lots");
  }
  return count / static_cast<int64_t>(value);
}

template <typename Event>
void show(const char *name, const Event &event) {
  const EventHeader &header = event.header();
  std::cout << "{\"event\":\"" << name << "\",\"seq\":" << header.seq()
            << ",\"index\":" << header.index() << ",\"orderId\":" << event.order_id()
            << ",\"quantityLots\":" << event.quantity_lots()
            << ",\"priceTicks\":" << event.price_ticks() << "}\n";
}

/** Shows the next event of our own command. False: it was rejected, or another one. */
bool answered(Session &session, Template wanted) {
  for (;;) {
    const uint16_t id = session.next();
    if (id == kRejected) {
      const auto event = session.read<Rejected>();
      if (event.header().request_id() != session.last_request()) continue;
      std::cerr << "rejected: " << EnumNameRejectReason(event.reason()) << "\n";
      return false;
    }
    if (id == kAccepted) {
      const auto event = session.read<Accepted>();
      if (event.header().request_id() != session.last_request()) continue;
      show("Accepted", event);
    } else if (id == kReplaced) {
      const auto event = session.read<Replaced>();
      if (event.header().request_id() != session.last_request()) continue;
      show("Replaced", event);
    } else if (id == kCanceled) {
      const auto event = session.read<Canceled>();
      if (event.header().request_id() != session.last_request()) continue;
      show("Canceled", event);
    } else continue;
    return id == wanted;
  }
}

uint8_t bits(OrderField fields) { return static_cast<uint8_t>(fields); }

int place_order(const std::string &url, const std::string &key_file, const std::string &symbol,
                const std::string &price, const std::string &quantity) {
  const size_t colon = url.rfind(':');
  if (url.compare(0, 5, "ws://") != 0 || colon < 5) throw std::runtime_error("ws://HOST:PORT");
  Session session(url.substr(5, colon - 5), url.substr(colon + 1), read_key(key_file));
  const LoggedOn &who = session.logged_on();
  std::string role = EnumNameRole(who.role());
  for (char &letter : role) letter = static_cast<char>(std::toupper(letter));
  std::cerr << "logged on for account " << who.account() << " as " << role << "\n";

  const auto instruments = session.instruments();
  const auto found = instruments.find(symbol);
  if (found == instruments.end()) throw std::runtime_error("there is no instrument " + symbol);
  const Instrument &terms = found->second;
  const auto ticks =
      static_cast<int32_t>(units(price, terms.tick_size(), terms.tick_size_scale()));
  const int64_t lots = units(quantity, terms.lot_size(), terms.lot_size_scale());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const uint64_t order = std::chrono::duration_cast<std::chrono::microseconds>(now).count();

  session.send(NewOrder(session.command<NewOrder>(kNewOrder, terms.header().instrument_id()),
                        order, lots, 0, 0, 0, ticks, 0, Side::buy, OrderType::limit,
                        TimeInForce::gtc, SelfTradePrevention::unset,
                        bits(OrderField::price | OrderField::quantity | OrderField::clientOrderId)));
  if (!answered(session, kAccepted)) return 1;
  const uint8_t ticks_or_lots = 255;  // scale of values that are not decimals
  session.send(ReplaceOrder(session.command<ReplaceOrder>(kReplaceOrder), order, 0, 0, 0,
                            ticks - 1, 0, 0, 0, ticks_or_lots, 0, bits(OrderField::price)));
  if (!answered(session, kReplaced)) return 1;
  session.send(CancelOrder(session.command<CancelOrder>(kCancelOrder), order, 0));
  const bool canceled = answered(session, kCanceled);
  session.close();
  return canceled ? 0 : 1;
}

}  // namespace

int main(int count, char **words) {
  if (count != 6) {
    std::cerr << "usage: place-order URL KEYFILE SYMBOL PRICE QUANTITY\n";
    return 64;
  }
  try {
    return place_order(words[1], words[2], words[3], words[4], words[5]);
  } catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
