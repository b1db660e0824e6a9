#include "sandbox_link.hpp"

namespace berth_vercel {

ShellAnswer VercelSandbox::shell(const std::vector<std::string>& words) {
    return backend_.shell(call_, place_, words.front(), {words.begin() + 1, words.end()});
}

void VercelSandbox::start(const std::vector<std::string>& words) {
    backend_.api.start(call_, place_.session,
                       {{"command", words.front()},
                        {"args", std::vector<std::string>(words.begin() + 1, words.end())},
                        {"env", Json::object()},
                        {"sudo", false}});
}

void VercelSandbox::send_staged() {
    under_way_.push_back(backend_.api.begin_archive(call_, place_.session, std::exchange(archive_, {}).finish()));
}

void VercelSandbox::wait_for_staged(std::size_t left_under_way) {
    while (under_way_.size() > left_under_way) {
        Api::Sending oldest = std::move(under_way_.front());
        under_way_.pop_front();
        backend_.api.finish(std::move(oldest));
    }
}

}  // namespace berth_vercel
