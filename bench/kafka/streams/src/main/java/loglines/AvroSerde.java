package loglines;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** Bare Avro, with coders that are used again: one for each thread. */
final class AvroSerde<T extends SpecificRecordBase> implements Serde<T>, Serializer<T>, Deserializer<T> {
  private final SpecificDatumReader<T> reader;
  private final SpecificDatumWriter<T> writer;
  private final ThreadLocal<BinaryDecoder> decoder = new ThreadLocal<>();
  private final ThreadLocal<BinaryEncoder> encoder = new ThreadLocal<>();
  private final ThreadLocal<ByteArrayOutputStream> buffer =
      ThreadLocal.withInitial(() -> new ByteArrayOutputStream(256));

  AvroSerde(Class<T> type) {
    reader = new SpecificDatumReader<>(type);
    writer = new SpecificDatumWriter<>(type);
  }

  @Override
  public T deserialize(String topic, byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    try {
      decoder.set(DecoderFactory.get().binaryDecoder(bytes, decoder.get()));
      return reader.read(null, decoder.get());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public byte[] serialize(String topic, T value) {
    if (value == null) {
      return null;
    }
    var out = buffer.get();
    out.reset();
    try {
      encoder.set(EncoderFactory.get().binaryEncoder(out, encoder.get()));
      writer.write(value, encoder.get());
      encoder.get().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  @Override
  public void configure(java.util.Map<String, ?> configuration, boolean isKey) {}

  @Override
  public void close() {}

  @Override
  public Serializer<T> serializer() {
    return this;
  }

  @Override
  public Deserializer<T> deserializer() {
    return this;
  }
}
