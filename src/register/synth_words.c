#include "register/synth_words.h"

#include <stddef.h>

/* clang-format off */
const char *const kl_words_male[] = {
    "Arben", "Agim", "Ilir", "Artan", "Besnik", "Fatmir", "Bashkim", "Petrit", "Luan", "Gëzim", "Altin", "Genc", "Skënder", "Dritan",
    "Ardian", "Edmond", "Bledar", "Ermal", "Klajdi", "Endrit", "Erion", "Gentian", "Ervin", "Alban", "Shkëlqim", "Sokol", "Astrit",
    "Flamur", "Muhamet", "Hasan", "Ali", "Mehmet", "Ibrahim", "Ismail", "Hysen", "Mustafa", "Ramazan", "Xhevdet", "Xhemal", "Xhelal",
    "Gjergj", "Gjon", "Pjetër", "Pal", "Ndue", "Mark", "Nikolla", "Vasil", "Kristaq", "Spiro", "Thanas", "Jorgo", "Vangjel", "Andrea",
    "Roland", "Robert", "Albert", "Eduard", "Leonard", "Julian", "Florian", "Marsel", "Denis", "Elton", "Elvis", "Enea", "Olsi",
    "Saimir", "Arjan", "Besmir", "Kastriot", "Kujtim", "Lulëzim", "Mentor", "Nazmi", "Përparim", "Qemal", "Rexhep", "Sabri", "Tahir",
    "Ylli", "Zef", "Zyber", "Bujar", "Burim", "Dashamir", "Dashnor", "Afrim", "Avni", "Bardhyl", "Behar", "Çlirim", "Enver", "Fadil",
    "Ferit", "Flori", "Gazmend", "Hekuran", "Hajdar", "Isuf", "Jetmir", "Jeton", "Klodian", "Kreshnik", "Ledion", "Lorenc", "Maksim",
    "Mirel", "Myftar", "Nard", "Neritan", "Orges", "Pandeli", "Perikli", "Redi", "Refik", "Rigers", "Rustem", "Sajmir", "Selim",
    "Shpëtim", "Stavri", "Sulejman", "Taulant", "Theodhor", "Valon", "Viktor", "Vullnet", "Xhafer", "Xhavit", "Xhoan", "Ymer", "Zamir",
    "Zenel", "Aurel", "Armando", "Ergys", "Fation", "Igli", "Jurgen", "Kevin", "Kledis", "Mateo", "Noel", "Rei", "Roni", "Samuel", NULL};

const char *const kl_words_female[] = {
    "Mimoza", "Lindita", "Vjollca", "Valbona", "Drita", "Liljana", "Shpresa", "Fatmira", "Luljeta", "Merita", "Teuta", "Zana", "Flutura",
    "Entela", "Elona", "Anila", "Albana", "Ermira", "Blerta", "Brunilda", "Eva", "Evis", "Alma", "Diana", "Eda", "Elda", "Enkelejda",
    "Esmeralda", "Etleva", "Fjolla", "Gentiana", "Ina", "Irena", "Jonida", "Julia", "Klaudia", "Kristina", "Ledina", "Lorena", "Majlinda",
    "Manjola", "Maria", "Marjeta", "Migena", "Mirela", "Monika", "Natasha", "Nertila", "Ornela", "Rovena", "Rudina", "Sonila", "Suela",
    "Valentina", "Vera", "Viola", "Xhensila", "Xhuliana", "Zamira", "Zhaneta", "Çiljeta", "Afërdita", "Agnesa", "Ajshe", "Alketa", "Anjeza",
    "Ariola", "Arta", "Aurora", "Bukurie", "Bora", "Dafina", "Dallandyshe", "Dorina", "Drane", "Dhurata", "Edlira", "Elira", "Emine",
    "Eneida", "Erblina", "Fatime", "Fatbardha", "Filloreta", "Florinda", "Gjyste", "Hatixhe", "Hava", "Hysnije", "Ilda", "Jeta", "Jorida",
    "Kadrije", "Kaltra", "Klea", "Kozeta", "Laura", "Lejla", "Lule", "Lumturi", "Lavdije", "Marsela", "Megi", "Mejreme", "Mira", "Mrika",
    "Naime", "Nadire", "Nevila", "Nurije", "Odeta", "Olta", "Pranvera", "Prenda", "Qamile", "Rajmonda", "Rita", "Roza", "Rukije", "Sanije",
    "Sara", "Shqipe", "Sidorela", "Silvana", "Sofia", "Suzana", "Tefta", "Tereza", "Vilma", "Violeta", "Xhemile", "Xhevrije", "Yllka", "Zarife",
    "Anna", "Amelia", "Ajla", "Dea", "Emma", "Hana", "Kejsi", "Melisa", "Noemi", "Reja", "Sindi", "Tea", "Zoi", NULL};

const char *const kl_words_family[] = {
    "Hoxha", "Shehu", "Prifti", "Dervishi", "Kola", "Gjoka", "Muça", "Hysa", "Leka", "Marku", "Sula", "Çela", "Bardhi", "Basha", "Lleshi",
    "Meta", "Mema", "Cani", "Dedja", "Duka", "Elezi", "Frashëri", "Gega", "Gjoni", "Hasani", "Hoti", "Isufi", "Jaho", "Kasa", "Koçi",
    "Kodra", "Kurti", "Lika", "Luka", "Malaj", "Memaj", "Mehmeti", "Murati", "Mustafaj", "Ndoja", "Nikolla", "Osmani", "Pepa", "Përnaska",
    "Qosja", "Rama", "Rexha", "Ruçi", "Sala", "Selimi", "Shabani", "Shkurti", "Spahiu", "Tafa", "Tahiri", "Toçi", "Toska", "Veliu",
    "Vata", "Xhaferi", "Xhafa", "Xheka", "Xhindoli", "Ymeri", "Zeneli", "Zyberi", "Zëra", "Alia", "Aliaj", "Alliu", "Arapi", "Balla", "Balliu",
    "Beqiri", "Beqaj", "Bitri", "Bregu", "Brahimi", "Bushi", "Cara", "Ceka", "Cenaj", "Cuka", "Çako", "Çobani", "Daci", "Dajçi",
    "Dauti", "Demiri", "Deda", "Dibra", "Doçi", "Doda", "Dosti", "Dragoti", "Dushku", "Dyrmishi", "Fejzaj", "Fejzo", "Gjata", "Gjeçi",
    "Gjini", "Gjika", "Gorica", "Guri", "Hajdari", "Hajrullai", "Halili", "Haxhiu", "Hila", "Hyka", "Ibrahimi", "Imeri",
    "Jakupi", "Jonuzi", "Kalaja", "Kaloshi", "Kapllani", "Karaj", "Keta", "Kici", "Kokona", "Krasniqi", "Kuqi", "Kulla", "Lala", "Lamaj",
    "Lamçe", "Lazri", "Limani", "Lushaj", "Llagami", "Llupa", "Manaj", "Maliqi", "Mance", "Marashi", "Mati", "Mëhilli", "Merkaj", "Metaj",
    "Mici", "Mino", "Mullai", "Musai", "Myrtaj", "Nako", "Nano", "Nela", "Ndreu", "Nuredini", "Nushi", "Palushi", "Paja", "Palla", "Papa",
    "Peçi", "Plaku", "Poda", "Pojani", "Preçi", "Preka", "Qirjako", "Qorri", "Rakipi", "Ramaj", "Reçi", "Rroku", "Rustemi", "Sadiku", "Sako",
    "Salillari", "Shahini", "Shala", "Shyti", "Sinani", "Sinanaj", "Skënderi", "Sokoli", "Stafa", "Stojku", "Sulaj", "Sulejmani", "Taka",
    "Tola", "Topalli", "Troka", "Turku", "Tusha", "Uka", "Uruçi", "Vangjeli", "Varfi", "Vogli", "Vokshi", "Vuçaj", "Xhani", "Xhepa", "Xhixha",
    "Ylli", "Zaçe", "Zajmi", "Zefi", "Zeka", "Zhupa", "Ziu", "Zotaj", "Zogu", "Zhuka", NULL};

const char *const kl_words_given_stem[] = {
    "Art", "Alb", "And", "Ang", "Ard", "Arl", "Arm", "Bes", "Ber", "Bard", "Bler", "Bor", "Brik", "Dal", "Dar", "Dash", "Den", "Dit",
    "Dor", "Drin", "Dhim", "Ed", "Egl", "El", "Em", "End", "Er", "Erj", "Fat", "Fid", "Fjor", "Flor", "Gent", "Ger", "Gjel", "Gjin", "Gon", "Gras",
    "Haj", "Hek", "Hil", "Ib", "Il", "Ind", "Ir", "Jan", "Jet", "Jon", "Jul", "Kal", "Kas", "Kel", "Klaj", "Kler", "Kresh", "Kris", "Kus", "Lav",
    "Led", "Len", "Lir", "Lul", "Lum", "Mag", "Mar", "Med", "Mel", "Mir", "Mon", "Mus", "Ner", "Nev", "Nik", "Nor", "Ol", "Or", "Pand", "Pet",
    "Plar", "Pler", "Qend", "Qer", "Raj", "Ren", "Rez", "Rin", "Rron", "Rud", "Sad", "Sem", "Shep", "Shkëlq", "Sil", "Sim", "Sok", "Tan", "Taul",
    "Thel", "Tom", "Trim", "Um", "Urt", "Val", "Vet", "Vis", "Vjol", "Xhan", "Xhel", "Xhem", "Xhul", "Yl", "Zan", "Zef", "Zhul", "Zog", "Çel",
    "Çlir", NULL};
const char *const kl_words_male_end[] = {"an", "ian", "on", "jon", "it", "mir", "and", "ur", "im", "in", "ush", "et", "is", "i", "el", "en", "ardo", "os", "enis", NULL};
const char *const kl_words_female_end[] = {"ana", "iana", "ona", "ita", "mira", "anda", "ura", "ina", "ushe", "eta", "isa", "ela", "ëza", "ola", "ije", "enka", "inda",
    "arta", "esa", NULL};

const char *const kl_words_family_stem[] = {
    "Abaz", "Ademi", "Agoll", "Ahmet", "Alibe", "Alush", "Aran", "Aven", "Azem", "Babo", "Baco", "Bajram", "Bak", "Bala", "Bame", "Banush", "Bar",
    "Batir", "Bece", "Bego", "Bejko", "Beli", "Berat", "Biba", "Bico", "Bilal", "Birç", "Bog", "Boj", "Bose", "Braho", "Bres", "Broz", "Buc", "Bul", "Buran",
    "Cak", "Cam", "Cel", "Cim", "Coll", "Cung", "Çad", "Çal", "Çar", "Çepel", "Çif", "Çom", "Çup", "Dal", "Dango", "Dardh", "Dede", "Del", "Deniz", "Derm",
    "Dik", "Dim", "Disho", "Doko", "Dol", "Drag", "Dreng", "Dul", "Durm", "Dhamo", "Dhim", "Dhroso", "Emin", "Ergj", "Ese", "Fan", "Ferh", "Fil", "Fish",
    "Fras", "Fush", "Gac", "Gal", "Gash", "Gazid", "Gent", "Gërdec", "Gil", "Gog", "Gorr", "Gram", "Grem", "Gum", "Gurab", "Gjelosh", "Gjer", "Gjok", "Gjyl",
    "Had", "Hak", "Hamz", "Harx", "Hasko", "Hatel", "Hid", "Him", "Hod", "Hox", "Hurd", "Hyse", "Ibro", "Idriz", "Ilm", "Isl", "Izet", "Jan", "Jash",
    "Jak", "Jup", "Kacel", "Kad", "Kale", "Kam", "Kapo", "Karam", "Kash", "Kel", "Kerç", "Kico", "Kim", "Kiso", "Kol", "Koman", "Kond", "Kor", "Kost", "Kraj", "Kris",
    "Kuc", "Kuk", "Kume", "Kurb", "Lab", "Lac", "Lam", "Lap", "Lasko", "Lat", "Legis", "Lek", "Len", "Lib", "Lim", "Lip", "Liz", "Lof", "Lul", "Lush", "Llesh",
    "Llom", "Mac", "Madan", "Mah", "Maks", "Mal", "Mam", "Mar", "Mas", "Meck", "Mej", "Mel", "Mer", "Met", "Mez", "Mil", "Mir", "Mis", "Moll", "Mor", "Muc", "Muh",
    "Muj", "Mur", "Myf", "Nac", "Nas", "Ndok", "Neb", "Nez", "Nik", "Nov", "Nur", "Okr", "Omer", "Orgoc", "Pal", "Pan", "Pas", "Pat", "Pec", "Pel", "Perl", "Pet",
    "Pib", "Pin", "Pis", "Plep", "Pock", "Pol", "Pr", "Pul", "Pur", "Qaf", "Qam", "Qef", "Qer", "Qest", "Qos", "Qyl", "Rad", "Ram", "Rap", "Ras", "Reb", "Res", "Rib", "Riz",
    "Rod", "Ros", "Ruk", "Rush", "Rrap", "Rres", "Sad", "Saf", "Sal", "Sam", "Sef", "Sel", "Ser", "Sin", "Skend", "Skur", "Sof", "Stan", "Stef", "Strat", "Sum", "Shab", "Shan",
    "Sheq", "Shim", "Shkod", "Shol", "Shut", "Tab", "Tan", "Tar", "Tat", "Ter", "Tiko", "Tit", "Tog", "Tom", "Tor", "Tren", "Tup", "Thaç", "Them", "Tho", "Uj", "Um", "Urb", "Vak",
    "Val", "Var", "Vel", "Vesh", "Vil", "Voc", "Vog", "Vreto", "Vus", "Xhab", "Xham", "Xher", "Xhom", "Xhum", "Yz", "Zag", "Zal", "Zav", "Zek", "Zer", "Zif", "Ziko", "Zoll",
    "Zub", "Zyk", "Zhab", "Zhej", "Zhul", NULL};
const char *const kl_words_family_end[] = {"aj", "i", "a", "u", "liu", "eshi", "ani", "ari", "oshi", "olli", "ali", "açi", "iqi", "ushi", "ëri", "ami", "iu", "ena", "oma",
    "ellari", "ukaj", "inaj", "oja", "uku", "ela", "aku", "iti", "ota", "ika", "umi", "araj", "epi", "ulla", "ërmi", "ashi", NULL};

const char *const kl_words_street[] = {
    "Dëshmorët e Kombit", "Bajram Curri", "Ismail Qemali", "Sami Frashëri", "Naim Frashëri", "Myslym Shyri", "e Kavajës", "e Durrësit", "e Elbasanit", "e Dibrës", "Muhamet Gjollesha",
    "Abdyl Frashëri", "Lidhja e Prizrenit", "28 Nëntori", "Skënderbeu", "Gjergj Fishta", "Fan Noli", "Luigj Gurakuqi", "Vaso Pasha", "Pashko Vasa", "Qemal Stafa", "Asim Vokshi",
    "Mihal Grameno", "Çajupi", "Jordan Misja", "Don Bosko", "Siri Kodra", "Sulejman Delvina", "Mine Peza", "Hoxha Tahsin", "Barrikadave", "e Fortuzit", "Ali Demi", "Pjetër Budi",
    "Pjetër Bogdani", "Frang Bardhi", "Marin Barleti", "Dritan Hoxha", "Isa Boletini", "Ibrahim Rugova", "Nënë Tereza", "Xhorxh Bush", "Todi Shkurti", "Kongresi i Manastirit",
    "Kongresi i Lushnjës", "e Ullinjve", "e Portit", "e Plazhit", "e Kalasë", "e Bregut", "e Lumit", "e Pishave", "e Shkollës", "e Stadiumit", "e Tregut", "e Vjetër", "e Re",
    "Xhamia e Madhe", "Teki Selenica", "Thoma Avrami", "Vangjush Mio", "Zef Jubani", "Zogu i Parë", "Aleksandër Moisiu", "Adem Jashari", "Avni Rustemi", "Him Kolli", "Haxhi Dalliu",
    "Medar Shtylla", "Petro Nini Luarasi", "Reshit Çollaku", "Shyqyri Brari", "Tefta Tashko", "Xhanfize Keko", "Ymer Kurti", "Zenel Baboçi", NULL};

const char *const kl_words_colour[] = {"gri", "e zezë", "e bardhë", "blu", "e kuqe", "argjend", "jeshile", "kafe", "bezhë", "e verdhë", "vishnje", NULL};
const char *const kl_words_company[] = {
    "Adria", "Agro", "Alba", "Alfa", "Alpet", "Anadolli", "Apollon", "Arbër", "Artis", "Atlantik", "Aulona", "Balkan", "Besa", "Beta", "Butrint", "Casa", "Delta", "Dielli", "Drini",
    "Dukagjini", "Egnatia", "Ekspres", "Elba", "Euro", "Fabrika", "Feniks", "Flori", "Gamma", "Gega", "Global", "Gora", "Horizont", "Iliria", "Imperial", "Inter", "Jon", "Kalaja",
    "Korabi", "Krujë", "Lider", "Liqeni", "Lura", "Mali", "Mediteran", "Mondial", "Nova", "Onufri", "Orion", "Palma", "Panorama", "Pegas", "Perla", "Portiku", "Prespa", "Progres",
    "Rinia", "Rozafa", "Sazani", "Sigma", "Sirius", "Skampa", "Tomorri", "Toska", "Trans", "Univers", "Valbona", "Vega", "Vjosa", "Xhoko", "Yjet", "Zenit", "Çlirimi", NULL};
const char *const kl_words_trade[] = {
    "Ndërtim", "Konstruksion", "Market", "Tregtim", "Fason", "Konfeksione", "Transport", "Turizëm", "Hotel", "Farma", "Ushqimore", "Mobileri", "Plastik", "Metal", "Energji", "Telekom", "Softuer",
    "Konsulencë", "Sigurim", "Auto", "Bujqësi", "Mish", "Qumësht", "Peshk", "Elektronik", "Shtypshkronja", "Media", "Pastrim", "Roje", "Logjistik", "Miniera", "Naftë", "Klinika", "Shkolla",
    "Kimike", "Çimento", "Dru", "Këpucë", "Tekstile", "Grup", NULL};
const char *const kl_words_party[] = {"lista blu", "lista e kuqe", "lista e gjelbër", "lista e verdhë", "i pavarur", "i pavendosur", "nuk voton", "lista e bardhë", NULL};

const struct kl_word_place kl_words_place[] = {
    {"Tiranë", "TR", 598}, {"Durrës", "DR", 201}, {"Elbasan", "EL", 150}, {"Shkodër", "SH", 136}, {"Fier", "FR", 120}, {"Kamëz", "TR", 104}, {"Vlorë", "VL", 104}, {"Lushnjë", "LU", 84},
    {"Korçë", "KO", 76}, {"Krujë", "KR", 60}, {"Berat", "BR", 60}, {"Dibër", "DI", 59}, {"Kurbin", "KB", 47}, {"Pogradec", "PG", 46}, {"Lezhë", "LE", 66}, {"Kukës", "KU", 48},
    {"Shijak", "DR", 28}, {"Vau i Dejës", "SH", 30}, {"Dimal", "BR", 28}, {"Kavajë", "KJ", 40}, {"Malësi e Madhe", "MM", 31}, {"Mat", "MT", 28}, {"Divjakë", "LU", 34}, {"Maliq", "KO", 41},
    {"Cërrik", "EL", 27}, {"Patos", "FR", 23}, {"Mirditë", "MR", 22}, {"Gjirokastër", "GJ", 29}, {"Bulqizë", "BZ", 31}, {"Vorë", "TR", 25}, {"Peqin", "PE", 26}, {"Gramsh", "GR", 24},
    {"Belsh", "EL", 19}, {"Mallakastër", "MK", 27}, {"Rrogozhinë", "KJ", 22}, {"Prrenjas", "LB", 24}, {"Sarandë", "SR", 20}, {"Klos", "MT", 17}, {"Kuçovë", "KC", 31}, {"Devoll", "DV", 27},
    {"Librazhd", "LB", 32}, {"Tropojë", "TP", 20}, {"Has", "HS", 17}, {"Skrapar", "SK", 12}, {"Himarë", "VL", 8}, {"Roskovec", "FR", 21}, {"Selenicë", "VL", 16}, {"Fushë-Arrëz", "PU", 7},
    {"Pukë", "PU", 11}, {"Poliçan", "SK", 11}, {"Delvinë", "DL", 8}, {"Tepelenë", "TP", 9}, {"Memaliaj", "TE", 11}, {"Finiq", "SR", 10}, {"Këlcyrë", "PR", 6}, {"Përmet", "PR", 11},
    {"Kolonjë", "ER", 11}, {"Konispol", "SR", 8}, {"Libohovë", "GJ", 4}, {"Dropull", "GJ", 4}, {"Pustec", "KO", 3}, {NULL, NULL, 0}};

const struct kl_word_job kl_words_job[] = {
    {"mësues", 62, 0}, {"infermier", 58, 0}, {"mjek", 125, 0}, {"specialist", 70, 0}, {"përgjegjës sektori", 95, 0}, {"drejtor", 160, 0}, {"inspektor", 75, 0}, {"polic", 68, 0}, {"ushtarak", 72, 0},
    {"sekretar", 52, 0}, {"arkivist", 50, 0}, {"jurist", 85, 0}, {"gjyqtar", 240, 0}, {"prokuror", 250, 0}, {"sanitar", 41, 0}, {"zjarrfikës", 60, 0}, {"bibliotekar", 50, 0}, {"pedagog", 110, 0},
    {"shitës", 42, 1}, {"arkëtar", 42, 1}, {"magazinier", 46, 1}, {"shpërndarës", 48, 1}, {"menaxher dyqani", 75, 1}, {"agjent shitjesh", 58, 1}, {"përfaqësues tregtar", 62, 1}, {"farmacist", 65, 1},
    {"punëtor", 44, 2}, {"rrobaqepës", 41, 2}, {"saldator", 62, 2}, {"elektricist", 60, 2}, {"hidraulik", 58, 2}, {"murator", 56, 2}, {"bojaxhi", 54, 2}, {"operator makinerie", 58, 2},
    {"teknik mirëmbajtjeje", 60, 2}, {"inxhinier ndërtimi", 105, 2}, {"inxhinier mekanik", 100, 2}, {"minator", 78, 2}, {"brigadier", 66, 2}, {"përgjegjës prodhimi", 88, 2}, {"këpucar", 42, 2},
    {"kamerier", 43, 3}, {"kuzhinier", 56, 3}, {"recepsionist", 48, 3}, {"shofer", 54, 3}, {"roje", 41, 3}, {"pastrues", 40, 3}, {"ekonomist", 72, 3}, {"kontabilist", 68, 3}, {"auditues", 98, 3},
    {"programues", 150, 3}, {"administrator sistemi", 120, 3}, {"operator telefonik", 52, 3}, {"grafist", 65, 3}, {"gazetar", 60, 3}, {"përkthyes", 62, 3}, {"financier", 85, 3}, {"agjent sigurimesh", 58, 3},
    {"drejtues", 140, 3}, {"administrator", 110, 3}, {NULL, 0, 0}};

const struct kl_word_car kl_words_car[] = {
    {"Mercedes-Benz", "C 220", 90}, {"Mercedes-Benz", "E 220", 80}, {"Mercedes-Benz", "A 180", 25}, {"Mercedes-Benz", "Vito", 20}, {"Mercedes-Benz", "190 D", 14}, {"Volkswagen", "Golf", 95},
    {"Volkswagen", "Passat", 60}, {"Volkswagen", "Polo", 25}, {"Volkswagen", "Tiguan", 16}, {"Volkswagen", "Caddy", 12}, {"Audi", "A4", 40}, {"Audi", "A6", 35}, {"Audi", "A3", 25}, {"Audi", "Q5", 12},
    {"BMW", "320", 30}, {"BMW", "520", 26}, {"BMW", "X5", 14}, {"Ford", "Focus", 32}, {"Ford", "Fiesta", 24}, {"Ford", "Transit", 15}, {"Opel", "Astra", 28}, {"Opel", "Corsa", 20}, {"Opel", "Zafira", 10},
    {"Fiat", "Punto", 24}, {"Fiat", "Panda", 14}, {"Fiat", "Doblo", 10}, {"Renault", "Clio", 18}, {"Renault", "Megane", 15}, {"Peugeot", "307", 12}, {"Peugeot", "208", 9}, {"Toyota", "Yaris", 22},
    {"Toyota", "Corolla", 15}, {"Toyota", "RAV4", 9}, {"Nissan", "Micra", 8}, {"Nissan", "Qashqai", 9}, {"Hyundai", "i10", 8}, {"Hyundai", "Tucson", 8}, {"Kia", "Sportage", 7}, {"Skoda", "Octavia", 14},
    {"Citroën", "C3", 8}, {"Land Rover", "Range Rover", 8}, {"Jeep", "Grand Cherokee", 4}, {"Smart", "Fortwo", 7}, {"Seat", "Ibiza", 7}, {"Volvo", "V50", 5}, {"Dacia", "Duster", 5}, {"Suzuki", "Swift", 4},
    {NULL, NULL, 0}};
/* clang-format on */
