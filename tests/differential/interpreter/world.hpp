// One generated program while it runs over mayhem: its objects, its trace, and an operation for
// each word of the language. interpret.py is the same over asyncio, method for method.
//
// An operation says what came of it when it has ended; one that throws says nothing, and the error
// is seen where it is caught, or at the end of its task.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tests/differential/interpreter/program.hpp"

namespace mayhem::differential {

/// What `raise` throws.
class boom : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The words that both interpreters have for an error.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

/// What belongs to one body: its name, its result, its innermost timeout.
struct frame {
    std::string name;
    int value = 0;
    timeout_scope* limit = nullptr;
};

class world {
  public:
    world(const node& program, std::vector<std::string>& trace)
        : program_(program), trace_(trace) {}

    /// Runs main, then cancels what it left behind, in order, and waits for that.
    coro<void> harness();
    void say(const std::string& name, std::string_view text);
    /// From now on nothing is traced: the program is over.
    void mute() noexcept { muted_ = true; }
    /// The bodies that have begun and not ended.
    [[nodiscard]] std::string alive() const;

    /// An operation that waits; true when the body is to end (`return`). Otherwise one that does
    /// not. Exactly one is set.
    using waiting_operation = coro<bool> (world::*)(const node*, frame*);
    using operation = void (world::*)(const node&, frame&);

  private:
    using any_queue = std::variant<queue<int>, lifo_queue<int>, priority_queue<int>>;

    struct task_entry {
        std::string name;
        task<int> handle;
    };

    void declare(const node& line);
    coro<int> body(std::string name, const std::vector<node>* lines, timeout_scope* limit);
    coro<bool> block(const std::vector<node>* lines, frame* own);
    void callback(const node& line);
    void tell(const node& line, const frame& own, std::string_view what);

    [[nodiscard]] task<int>* find_task(const std::string& name);
    [[nodiscard]] promise<int>* find_future(const std::string& name);
    void remember(const std::string& name, task<int> made);
    /// The task that a `ref` or `coro` line stands for; empty when the reference leads nowhere.
    task<int> item(const node& line);
    std::vector<task<int>> items(const node& line);
    std::vector<future<int>> future_items(const node& line);
    /// True when its items are references to futures.
    static bool has_futures(const node& line);
    static bool has_coroutines_only(const node& line);
    std::vector<coro<int>> coroutine_items(const node& line);

    // Operations that do not wait.
    void do_say(const node& line, frame& own);
    void do_raise(const node& line, frame& own);
    void do_spawn(const node& line, frame& own);
    void do_join_group(const node& line, frame& own);
    void do_cancel(const node& line, frame& own);
    void do_cancel_self(const node& line, frame& own);
    void do_uncancel(const node& line, frame& own);
    void do_status(const node& line, frame& own);
    void do_set(const node& line, frame& own);
    void do_clear(const node& line, frame& own);
    void do_resolve(const node& line, frame& own);
    void do_fail(const node& line, frame& own);
    void do_put_nowait(const node& line, frame& own);
    void do_get_nowait(const node& line, frame& own);
    void do_task_done(const node& line, frame& own);
    void do_size(const node& line, frame& own);
    void do_shutdown(const node& line, frame& own);
    void do_locked(const node& line, frame& own);
    void do_release(const node& line, frame& own);
    void do_notify(const node& line, frame& own);
    void do_reschedule(const node& line, frame& own);
    void do_soon(const node& line, frame& own);
    void do_later(const node& line, frame& own);
    void do_unschedule(const node& line, frame& own);
    void do_when_done(const node& line, frame& own);

    // Operations that wait.
    coro<bool> do_return(const node* line, frame* own);
    coro<bool> do_sleep(const node* line, frame* own);
    coro<bool> do_await(const node* line, frame* own);
    coro<bool> do_gather(const node* line, frame* own);
    coro<bool> do_collect(const node* line, frame* own);
    coro<bool> do_wait(const node* line, frame* own);
    coro<bool> do_each(const node* line, frame* own);
    coro<bool> do_wait_for(const node* line, frame* own);
    coro<bool> do_shield(const node* line, frame* own);
    coro<bool> do_timeout(const node* line, frame* own);
    coro<bool> do_group(const node* line, frame* own);
    coro<bool> do_hold(const node* line, frame* own);
    coro<bool> do_event_wait(const node* line, frame* own);
    coro<bool> do_condition_wait(const node* line, frame* own);
    coro<bool> do_barrier_wait(const node* line, frame* own);
    coro<bool> do_barrier_reset(const node* line, frame* own);
    coro<bool> do_barrier_abort(const node* line, frame* own);
    coro<bool> do_put(const node* line, frame* own);
    coro<bool> do_get(const node* line, frame* own);
    coro<bool> do_join(const node* line, frame* own);
    coro<bool> do_repeat(const node* line, frame* own);
    coro<bool> do_try(const node* line, frame* own);

    coro<bool> under_limit(const node* line, frame* own, timeout_scope* scope);
    coro<bool> guarded(const node* line, const node* handler, frame* own);
    template <typename Handle>
    coro<void> show_each(std::vector<Handle> handles, const node* line, frame* own);
    template <typename Handle>
    coro<void> show_wait(std::vector<Handle> handles, std::vector<std::string> names,
                         const node* line, frame* own);

    struct operations;
    static const std::map<std::string, operation, std::less<>>& plain_operations();
    static const std::map<std::string, waiting_operation, std::less<>>& waiting_operations();

    const node& program_;
    std::vector<std::string>& trace_;
    bool muted_ = false;
    event_loop* loop_ = nullptr;
    time_point start_{};
    std::vector<std::string> alive_;
    std::vector<task_entry> spawned_;
    std::map<std::string, task<int>> tasks_;
    std::map<std::string, promise<int>> futures_;
    std::map<std::string, task_group*> groups_;
    std::map<std::string, handle> alarms_;
    std::map<std::string, lock> locks_;
    std::map<std::string, semaphore> semaphores_;
    std::map<std::string, event> events_;
    std::map<std::string, condition> conditions_;
    std::map<std::string, barrier> barriers_;
    std::map<std::string, any_queue> queues_;
};

}  // namespace mayhem::differential
