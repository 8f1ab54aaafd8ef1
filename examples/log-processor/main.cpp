#include "streamlets/streamlets.hpp"

#include "cloudflow/sandbox/application.hpp"

using logproc::email_processor, logproc::file_ingestor, logproc::http_ingress,
    logproc::invalid_logger, logproc::key_logger, logproc::message_logger, logproc::message_printer,
    logproc::stat_aggregator, logproc::stat_logger;

int main(int argc, char** argv) {
  return cloudflow::application<http_ingress, key_logger, file_ingestor, message_printer,
                                message_logger, stat_aggregator, stat_logger, email_processor,
                                invalid_logger>(argc, argv);
}
