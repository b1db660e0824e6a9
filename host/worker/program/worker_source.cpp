// The file source inside a worker: entries by question, contents in blocks of which the next is already on its way while
// the plugin works on this one. Apart from the sinks because it waits for the host, and they do not.
#include <algorithm>
#include <cstring>

#include "../../service/admit.hpp"
#include "worker_call.hpp"

namespace berth::inline host_v1::worker {

using wire::Encoder;
using wire::FrameKind;
using wire::Question;

namespace {

/// A half of the shared memory would do; smaller blocks let both sides work at once sooner.
constexpr std::uint64_t block_size = std::uint64_t{1} << 20U;

}  // namespace

struct WorkerCall::SourceFunctions {
    template <typename Function>
    static berth_status enter(berth_file_source* source, Function&& function) noexcept {
        auto& self = *static_cast<WorkerCall*>(source->host_data);
        try {
            const std::lock_guard lock(self.source_mutex_);
            return function(self);
        } catch (const std::bad_alloc&) {
            return BERTH_RESOURCE_EXHAUSTED;
        } catch (const std::exception&) {
            return BERTH_UNAVAILABLE;
        }
    }
    static berth_status next(berth_file_source* source, berth_file_entry* entry) noexcept {
        return enter(source, [&](WorkerCall& self) { return self.source_next(entry); });
    }
    static berth_status read(berth_file_source* source, void* buffer, std::uint64_t capacity,
                             std::uint64_t* got) noexcept {
        return enter(source, [&](WorkerCall& self) { return self.source_read(buffer, capacity, got); });
    }
    static berth_status rewind(berth_file_source* source) noexcept {
        return enter(source, [](WorkerCall& self) {
            self.drop_fetched();
            const auto answer = self.ask_source(Question::source_rewind);
            return answer ? answer->status() : berth_status{BERTH_CONTRACT};
        });
    }
    static int pipe(berth_file_source* source) noexcept {
        int descriptor = -1;
        (void)enter(source, [&](WorkerCall& self) -> berth_status {
            // What was fetched already would be missing from it.
            if (self.fetching_.has_read) return BERTH_OK;
            const auto answer = self.ask_source(Question::source_pipe);
            if (!answer || answer->descriptors().empty()) return BERTH_OK;
            self.fetching_.pipe = std::move(answer->descriptors().front());
            descriptor = self.fetching_.pipe.get();
            return BERTH_OK;
        });
        return descriptor;
    }
    static void done(berth_file_source* source, std::uint64_t operation) noexcept {
        Encoder message;
        message.put(operation);
        (void)static_cast<WorkerCall*>(source->host_data)->send(FrameKind::source_done, message);
    }
};

void WorkerCall::fill_source() {
    source_ = {sizeof source_,
               0,
               this,
               &SourceFunctions::next,
               &SourceFunctions::read,
               &SourceFunctions::rewind,
               &SourceFunctions::pipe,
               &SourceFunctions::done};
}

std::unique_ptr<HostAnswer> WorkerCall::ask_source(Question question) {
    if (!fetching_.channel) fetching_.channel = body_.borrow_service();
    if (!fetching_.channel) return nullptr;
    return ask(*fetching_.channel, question, {});
}

/// A block that is on its way must come before another question can be asked.
void WorkerCall::drop_fetched() {
    if (std::exchange(fetching_.asked, false)) (void)receive_answer(*fetching_.channel);
    fetching_.block = {};
    fetching_.after = BERTH_OK;
    fetching_.has_read = false;
}

berth_status WorkerCall::source_next(berth_file_entry* entry) {
    drop_fetched();
    fetching_.pipe.reset();
    auto answer = ask_source(Question::source_next);
    if (!answer) return BERTH_CONTRACT;
    if (answer->status() != BERTH_OK) return answer->status();
    const auto* const full = answer->decoder().get<const berth_file_entry*>();
    fetching_.entry = std::move(answer);
    return full != nullptr && give_back(*full, entry) ? BERTH_OK : BERTH_CONTRACT;
}

/// Asks for the next block, into the half that is not in hand.
berth_status WorkerCall::fetch_block() {
    Encoder message;
    message.put(static_cast<std::uint64_t>(fetching_.half) * (wire::SharedBytes::size / 2)).put(block_size);
    fetching_.half ^= 1U;
    if (!begin_question(*fetching_.channel, Question::source_read, message.bytes())) return BERTH_CONTRACT;
    fetching_.asked = true;
    return BERTH_OK;
}

berth_status WorkerCall::source_read(void* buffer, std::uint64_t capacity, std::uint64_t* got) {
    if (buffer == nullptr || got == nullptr || capacity == 0) return BERTH_CONTRACT;
    if (const auto status = stopped_status(); status != BERTH_OK) return status;
    if (fetching_.block.empty()) {
        if (fetching_.after != BERTH_OK) return fetching_.after;
        if (!fetching_.channel) fetching_.channel = body_.borrow_service();
        if (!fetching_.channel) return BERTH_CONTRACT;
        fetching_.has_read = true;
        if (!fetching_.asked) {
            if (const auto status = fetch_block(); status != BERTH_OK) return status;
        }
        fetching_.asked = false;
        const auto answer = receive_answer(*fetching_.channel);
        if (!answer) return BERTH_UNAVAILABLE;
        if (answer->status() != BERTH_OK) {
            fetching_.after = answer->status();
            return fetching_.after;
        }
        const auto offset = answer->decoder().get<std::uint64_t>();
        const auto block = fetching_.channel->bytes.part(offset, answer->decoder().get<std::uint64_t>());
        if (!block || block->empty()) return BERTH_INTERNAL;
        fetching_.block = *block;
        // A whole block says that there may be more; a short one, that the file is short.
        if (block->size() == block_size) {
            if (const auto status = fetch_block(); status != BERTH_OK) return status;
        }
    }
    const auto taken = std::min<std::uint64_t>(capacity, fetching_.block.size());
    std::memcpy(buffer, fetching_.block.data(), static_cast<std::size_t>(taken));
    fetching_.block.remove_prefix(static_cast<std::size_t>(taken));
    *got = taken;
    return BERTH_OK;
}

}  // namespace berth::inline host_v1::worker
