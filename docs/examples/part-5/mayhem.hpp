// The service as part 3 left it, to be tested. What the original's tests replace by name (a
// function of the module, random.choices) is a virtual function here: a mock overrides it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"

namespace mayhem::examples {

struct pubsub_message {
    std::string message_id;
    std::string instance_name;
    std::string hostname = instance_name + ".example.net";
    bool restarted = false;
    bool saved = false;
    bool acked = false;
    int extended_count = 0;
    bool operator==(const pubsub_message&) const = default;
};

using message = std::shared_ptr<pubsub_message>;  // the tasks that work on it share it
using message_queue = queue<message>;
using shared_event = std::shared_ptr<event>;
using results = std::vector<std::exception_ptr>;  // null: it went well

struct restart_failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class service {
  public:
    virtual ~service() = default;
    virtual coro<> publish(message_queue& queue);
    virtual coro<> restart_host(message msg);
    virtual coro<> save(message msg);
    virtual coro<> cleanup(message msg, shared_event done);
    virtual coro<> extend(message msg, shared_event done);
    virtual void handle_results(const results& outcomes, const message& msg);
    virtual coro<> handle_message(message msg);
    virtual coro<> consume(message_queue& queue);
    virtual coro<> shutdown(event_loop& loop, int signal_number = 0);
    void handle_exception(event_loop& loop, const exception_context& context);
    void main(event_loop& loop);

    virtual double random();  // at least 0, less than 1
    virtual int randrange(int first, int last);
    virtual std::string choices(int count);
    virtual std::string uuid4();
};

}  // namespace mayhem::examples
