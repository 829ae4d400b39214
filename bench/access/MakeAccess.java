import com.healthmarketscience.jackcess.ColumnBuilder;
import com.healthmarketscience.jackcess.DataType;
import com.healthmarketscience.jackcess.Database;
import com.healthmarketscience.jackcess.DatabaseBuilder;
import com.healthmarketscience.jackcess.Table;
import com.healthmarketscience.jackcess.TableBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** MakeAccess IN.csv OUT.mdb V2000|V2003|V2007|V2010: a table `paga`, each column of the CSV text. */
public final class MakeAccess {
    private MakeAccess() {
    }

    public static void main(String[] args) throws IOException {
        Database.FileFormat format = Database.FileFormat.valueOf(args[2]);
        File out = new File(args[1]);
        Files.deleteIfExists(out.toPath());
        try (Database db = DatabaseBuilder.create(format, out);
                BufferedReader in = Files.newBufferedReader(Path.of(args[0]), StandardCharsets.UTF_8)) {
            db.setEvaluateExpressions(false);
            String[] names = in.readLine().split(",", -1);
            TableBuilder builder = new TableBuilder("paga");
            for (String name : names) {
                builder.addColumn(new ColumnBuilder(name, DataType.TEXT).setLengthInUnits(255));
            }
            Table table = builder.toTable(db);
            List<Object[]> rows = new ArrayList<>();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                rows.add(Arrays.copyOf(line.split(",", -1), names.length, Object[].class));
                if (rows.size() == 2000) {
                    table.addRows(rows);
                    rows.clear();
                }
            }
            table.addRows(rows);
        }
    }
}
