// The smallest program that runs a callback on a loop of libuv.

#include <uv.h>

int main() {
    uv_loop_t loop;
    uv_loop_init(&loop);
    int answer = 1;
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    timer.data = &answer;
    uv_timer_start(&timer, [](uv_timer_t* due) { *static_cast<int*>(due->data) = 0; }, 0, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    return answer;
}
