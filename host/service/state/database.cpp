#include "database.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "../../base/file_descriptor.hpp"
#include "../diagnostics.hpp"
#include "../service_call.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr int page_bytes = 4096;
/// 64 MiB: far more than handles and environment maps need, and no plugin can fill a disk.
constexpr int most_pages = (64 << 20) / page_bytes;
/// What a file of ours says it is: ours at all ("Brt"), and its layout. One number, so that it is read at one moment.
constexpr int layout = 0x42727401;
constexpr int longest_wait_ms = 20;

[[noreturn]] void refuse(const std::string& file, Code code, const std::string& why, std::string hint) {
    ErrorFields fields;
    fields.message = "the stored state of the provider " + why;
    fields.hint = std::move(hint);
    fields.path = file;
    throw Error(service_diagnostics::state_unusable, code, std::move(fields));
}

/// Ours alone: what plugins keep may tell who has which sandboxes, and who could write it could change them.
void make_private_directory(const std::string& file) {
    const auto directory = std::filesystem::path(file).parent_path();
    std::error_code problem;
    std::filesystem::create_directories(directory.parent_path(), problem);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        refuse(file, code_of_errno(errno), "has no directory: " + system_message(errno),
               "make " + directory.string() + ", or give the host another state directory");
    }
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
        (status.st_mode & 022U) != 0) {
        refuse(file, Code::permission_denied, "would lie in a directory that others can write to",
               "make " + directory.string() + " a directory of your own, with mode 0700");
    }
}

/// Before SQLite makes it with what the umask leaves. Opened only when it is new: to close a descriptor of a file gives
/// up every lock that this process has on it.
void make_private_file(const std::string& file) {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const FileDescriptor made{::open(file.c_str(), flags, 0600)};
    if (!made && errno != EEXIST) {
        refuse(file, code_of_errno(errno), "cannot be made: " + system_message(errno),
               "look at the directory's owner and mode, and at the room that is left");
    }
}

Code code_of(int result) noexcept {
    switch (result & 0xff) {
        case SQLITE_FULL:
        case SQLITE_NOMEM:
            return Code::resource_exhausted;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_AUTH:
            return Code::permission_denied;
        case SQLITE_IOERR:
        case SQLITE_PROTOCOL:
            return Code::unavailable;
        default:
            return Code::internal;
    }
}

std::string hint_of(int result, const std::string& file) {
    switch (result & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "move " + file +
                   " and the files beside it that begin with its name away; what the plugin kept in it is lost";
        case SQLITE_FULL:
            return "make room on the disk; a provider may keep 64 MiB";
        case SQLITE_IOERR:
        case SQLITE_PROTOCOL:
            return "look at the file system: a network file system without locks and shared memory cannot hold it";
        default:
            return "look at the owner and mode of the file and its directory";
    }
}

}  // namespace

Database::Database(const std::string& file, const ServiceCall& call) : file_(file), call_(&call) {
    make_private_directory(file_);
    make_private_file(file_);
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;
    const int opened = ::sqlite3_open_v2(file_.c_str(), &raw_, flags, nullptr);
    try {
        if (opened != SQLITE_OK) fail(opened, Outcome::none);
        ::sqlite3_extended_result_codes(raw_, 1);
        ::sqlite3_busy_handler(raw_, &Database::wait, this);
        prepare();
    } catch (...) {
        close();
        throw;
    }
}

Database::~Database() {
    close();
}

void Database::close() noexcept {
    for (const auto& one : understood_)
        ::sqlite3_finalize(one.raw);
    ::sqlite3_close_v2(raw_);
}

void Database::refuse_foreign() const {
    refuse(file_, Code::unsupported, "was written by another program, or by a newer Berth",
           "use the Berth that wrote it, or move the file away");
}

void Database::prepare() {
    // What was committed outlives a loss of power, not only this process.
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run(("PRAGMA max_page_count = " + std::to_string(most_pages)).c_str());
    run("PRAGMA trusted_schema = OFF");
    const auto number = [this](const char* words) {
        Statement question(*this, words);
        return question.step() ? question.number(0) : 0;
    };
    const auto known = [&] {
        const auto found = number("PRAGMA user_version");
        if (found == 0) return false;
        if (found != static_cast<std::uint64_t>(layout)) refuse_foreign();
        return true;
    };
    if (known()) return;
    Transaction transaction(*this);
    if (known()) return;  // somebody else was faster
    if (number("SELECT count(*) FROM sqlite_schema") != 0) refuse_foreign();
    run("CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID");
    run("CREATE TABLE counter (last INTEGER NOT NULL)");
    run("INSERT INTO counter VALUES (0)");
    run(("PRAGMA user_version = " + std::to_string(layout)).c_str());
    transaction.commit();
}

/// Called by SQLite as long as another process has the turn. It has no way to be told when that ends; each round waits a
/// little longer.
int Database::wait(void* database, int round) noexcept {
    const auto& self = *static_cast<const Database*>(database);
    if (self.call_ != nullptr && self.call_->stopped()) return 0;
    ::poll(nullptr, 0, std::min(1 + round, longest_wait_ms));
    return 1;
}

void Database::fail(int result, Outcome outcome) const {
    const bool busy = (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
    if (busy && call_ != nullptr && call_->stopped()) throw GivenUp{};
    ErrorFields fields;
    fields.message = std::string("the stored state of the provider cannot be used: ") +
                     (raw_ != nullptr ? ::sqlite3_errmsg(raw_) : ::sqlite3_errstr(result));
    const int system_error = raw_ != nullptr ? ::sqlite3_system_errno(raw_) : 0;
    if (system_error != 0) fields.message += " (" + system_message(system_error) + ")";
    fields.hint = hint_of(result, file_);
    fields.path = file_;
    fields.outcome = outcome;
    throw Error(service_diagnostics::state_unusable, code_of(result), std::move(fields));
}

/// Some turns SQLite does not wait for by itself, such as the one who makes the file or tidies it up at the end.
template <typename Attempt>
int Database::patiently(Attempt&& attempt) {
    for (int round = 0;; ++round) {
        const int result = attempt();
        if ((result & 0xff) != SQLITE_BUSY || wait(this, round) == 0) return result;
    }
}

void Database::run(const char* words) {
    const int result = patiently([&] { return ::sqlite3_exec(raw_, words, nullptr, nullptr, nullptr); });
    if (result != SQLITE_OK) fail(result, outcome_);
}

Database::Understood& Database::understood(const char* words) {
    for (auto& one : understood_) {
        if (!one.is_asked && one.words == words) {
            one.is_asked = true;
            return one;
        }
    }
    sqlite3_stmt* raw = nullptr;
    if (const int result = ::sqlite3_prepare_v2(raw_, words, -1, &raw, nullptr); result != SQLITE_OK)
        fail(result, Outcome::none);
    try {
        return understood_.emplace_back(Understood{words, raw, true});
    } catch (...) {
        ::sqlite3_finalize(raw);
        throw;
    }
}

Database::Statement::Statement(Database& database, const char* words)
    : database_(database), understood_(database.understood(words)), raw_(understood_.raw) {}

/// Reset, or it would keep what it has read locked; what went wrong in it has been told.
Database::Statement::~Statement() {
    ::sqlite3_reset(raw_);
    ::sqlite3_clear_bindings(raw_);
    understood_.is_asked = false;
}

Database::Statement& Database::Statement::bind(int place, std::string_view bytes) {
    // Present and empty: a null pointer would store NULL. The bytes outlive the statement.
    const char* const data = bytes.data() == nullptr ? "" : bytes.data();
    const int result = ::sqlite3_bind_blob64(raw_, place, data, bytes.size(), SQLITE_STATIC);
    if (result != SQLITE_OK) database_.fail(result, Outcome::none);
    return *this;
}

Database::Statement& Database::Statement::bind(int place, std::uint64_t number) {
    const int result = ::sqlite3_bind_int64(raw_, place, static_cast<sqlite3_int64>(number));
    if (result != SQLITE_OK) database_.fail(result, Outcome::none);
    return *this;
}

bool Database::Statement::step() {
    const int result = database_.patiently([this] {
        const int stepped = ::sqlite3_step(raw_);
        if ((stepped & 0xff) == SQLITE_BUSY) ::sqlite3_reset(raw_);
        return stepped;
    });
    if (result != SQLITE_ROW && result != SQLITE_DONE) database_.fail(result, Outcome::none);
    return result == SQLITE_ROW;
}

std::string Database::Statement::bytes(int column) const {
    const void* const data = ::sqlite3_column_blob(raw_, column);
    const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(raw_, column));
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

std::uint64_t Database::Statement::number(int column) const {
    return static_cast<std::uint64_t>(::sqlite3_column_int64(raw_, column));
}

Database::Transaction::Transaction(Database& database) : database_(database) {
    database_.run("BEGIN IMMEDIATE");
}

Database::Transaction::~Transaction() {
    // Where a failure has rolled it back already, this says so, and nobody needs to hear it.
    if (open_) ::sqlite3_exec(database_.raw_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Database::Transaction::commit() {
    // A commit that fails may have been written all the same.
    database_.outcome_ = Outcome::unknown;
    struct Back {
        Database& database;
        ~Back() { database.outcome_ = Outcome::none; }
    } const back{database_};
    database_.run("COMMIT");
    open_ = false;
}

}  // namespace berth::inline host_v1
