import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What people have beside Cloudflow: Kafka's own client and Apache Avro. Writes readings, and prints those of a topic. */
public class Readings {
  public static void main(String[] args) throws Exception {
    var schema = new Schema.Parser().parse(Files.readString(Path.of(args[1])));
    if (args[2].equals("write")) write(args[0], schema, args[3], Integer.parseInt(args[4]));
    else read(args[0], schema, args[3], Integer.parseInt(args[4]));
  }

  static void write(String servers, Schema schema, String topic, int count) throws Exception {
    Map<String, Object> how = Map.of("bootstrap.servers", servers, "acks", "all");
    var writer = new GenericDatumWriter<GenericRecord>(schema);
    try (var producer = new KafkaProducer<>(how, new StringSerializer(), new ByteArraySerializer())) {
      for (int i = 0; i != count; ++i) {
        var reading = new GenericData.Record(schema);
        reading.put("sensor", "java-" + i % 7);
        reading.put("celsius", (double) (i % 100));
        var bytes = new ByteArrayOutputStream();
        var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
        writer.write(reading, encoder);
        encoder.flush();
        producer.send(new ProducerRecord<>(topic, "java-" + i % 7, bytes.toByteArray()));
      }
    }
  }

  static void read(String servers, Schema schema, String topic, int count) throws Exception {
    Map<String, Object> how = Map.of("bootstrap.servers", servers, "group.id", "java-reader",
        "auto.offset.reset", "earliest", "isolation.level", "read_committed");
    var reader = new GenericDatumReader<GenericRecord>(schema);
    try (var consumer = new KafkaConsumer<>(how, new StringDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      var giveUp = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      for (int seen = 0; seen < count && System.nanoTime() < giveUp; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          var decoder = DecoderFactory.get().binaryDecoder(record.value(), null);
          var reading = reader.read(null, decoder);
          System.out.println(record.partition() + " " + record.key() + " " + reading.get("sensor") + " "
              + reading.get("celsius") + " " + decoder.isEnd());
          ++seen;
        }
      }
    }
  }
}
