#include "sandbox_link.hpp"

#include "cloud/text.hpp"

namespace berth_daytona {

namespace {

// Our works move files; a disk that is slow or far away may take its time.
constexpr std::int64_t longest_work_seconds = 600;

std::string line_of(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words)
        line += shell_word(word) + " ";
    return line;
}

}  // namespace

/// Daytona feeds the line to a shell: what it runs must not read the rest of it.
ShellAnswer DaytonaSandbox::shell(const std::vector<std::string>& words) {
    Execution done =
        backend_.api.execute(call_, box_, "LC_ALL=C " + line_of(words) + "</dev/null", longest_work_seconds);
    return {static_cast<int>(done.exit_code & 0xff), done.result, done.result};
}

void DaytonaSandbox::start(const std::vector<std::string>& words) {
    (void)backend_.api.execute(call_, box_, "setsid " + line_of(words) + "</dev/null >/dev/null 2>&1 &", 30);
}

void DaytonaSandbox::send_staged() {
    under_way_.push_back(backend_.api.begin_upload(call_, box_, std::exchange(form_, {})));
}

void DaytonaSandbox::wait_for_staged(std::size_t left_under_way) {
    while (under_way_.size() > left_under_way) {
        Api::Sending oldest = std::move(under_way_.front());
        under_way_.pop_front();
        backend_.api.finish(std::move(oldest));
    }
}

}  // namespace berth_daytona
