//! Words of business, English and Spanish, as one concept each, so that a
//! question in either language meets names in either language.

/// Lower case without accents: `Época` → `epoca`.
pub(crate) fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|character| match character {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

/// The concept of a folded word; a word of no list is its own, in the singular.
pub(crate) fn concept(folded: &str) -> String {
    let forms = [
        Some(folded),
        folded.strip_suffix('s'),
        folded.strip_suffix("es"),
    ];
    forms
        .into_iter()
        .flatten()
        .find_map(|form| {
            CONCEPTS
                .iter()
                .find(|(_, words)| words.split(' ').any(|word| word == form))
        })
        .map_or_else(|| singular(folded), |(concept, _)| (*concept).to_owned())
}

/// Whether a folded word says nothing about what is looked for.
pub(crate) fn is_stop_word(folded: &str) -> bool {
    STOP_WORDS.split(' ').any(|word| word == folded)
}

/// 1 to 12 for the name of a month.
pub(crate) fn month(folded: &str) -> Option<u8> {
    let at = MONTHS
        .iter()
        .position(|names| names.split(' ').any(|name| name == folded))?;
    u8::try_from(at + 1).ok()
}

/// A small number written as a word.
pub(crate) fn number(folded: &str) -> Option<u32> {
    NUMBERS
        .iter()
        .find(|(_, names)| names.split(' ').any(|name| name == folded))
        .map(|(number, _)| *number)
}

/// Whether a concept is one of the lists': then a word of it is no value to
/// look for in the data.
pub(crate) fn is_known(concept: &str) -> bool {
    CONCEPTS.iter().any(|(known, _)| *known == concept)
}

/// How the data may write what the question names in Spanish: places, and the
/// usual kinds of goods.
pub(crate) fn translation(folded: &str) -> Option<&'static str> {
    TRANSLATIONS
        .iter()
        .find(|(spanish, _)| *spanish == folded)
        .map(|(_, english)| *english)
}

/// Cut the same way on both sides, so it need not be a word.
fn singular(folded: &str) -> String {
    if let Some(stem) = folded.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let stem = match folded.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem,
        _ => folded,
    };
    stem.strip_suffix('e')
        .filter(|short| short.len() > 2)
        .unwrap_or(stem)
        .to_owned()
}

const CONCEPTS: &[(&str, &str)] = &[
    ("customer", "customer client cliente comprador buyer"),
    ("order", "order pedido orden"),
    ("product", "product producto articulo item"),
    (
        "employee",
        "employee empleado empleada trabajador staff salesperson vendedor vendedora",
    ),
    ("supplier", "supplier vendor proveedor"),
    ("category", "category categorie categoria"),
    ("shipper", "shipper carrier transportista"),
    ("region", "region regione"),
    ("territory", "territory territorie territorio"),
    ("detail", "detail line linea detalle"),
    (
        "revenue",
        "revenue sale venta ingreso facturacion income turnover earning facturado spending",
    ),
    (
        "sold",
        "sold selling seller vendido vendida vende venden vendio vendimos sell",
    ),
    (
        "bought",
        "bought purchased buy comprado compra compran compraron gastado spent spend",
    ),
    ("quantity", "quantity quantitie cantidad qty"),
    ("unit", "unit unidad"),
    ("price", "price precio priced pricing"),
    ("cost", "cost costo coste costing cuesta cuestan"),
    ("amount", "amount importe monto value valor"),
    ("stock", "stock existencia inventario inventory"),
    ("reorder", "reorder reposicion"),
    ("freight", "freight flete porte"),
    ("discount", "discount descuento"),
    ("country", "country countrie pais"),
    ("city", "city citie ciudad"),
    ("date", "date fecha"),
    ("name", "name nombre"),
    ("phone", "phone telephone telefono"),
    ("address", "address addresse direccion"),
    ("year", "year ano anual yearly"),
    ("month", "month mes mensual monthly"),
    (
        "ship",
        "ship shipped shipping shipment envio enviar enviado enviada entregar entregado delivered delivery entrega sent",
    ),
    (
        "require",
        "require required due requerido requerida deadline promised",
    ),
    (
        "late",
        "late tarde retraso retrasado retrasada delayed delay overdue atrasado atrasada tardio",
    ),
    ("pending", "pending pendiente unshipped undelivered open"),
    (
        "cheap",
        "cheap cheaper cheapest barato barata economico economica",
    ),
    (
        "expensive",
        "expensive costly priciest caro cara costoso costosa",
    ),
    (
        "best",
        "best top mejor mayor most mas highest large largest big biggest grande greatest main principal principale",
    ),
    (
        "worst",
        "worst bottom peor menor least meno lowest fewest smallest",
    ),
    ("low", "low bajo baja poco poca scarce running short"),
    ("out", "out"),
    ("soldout", "agotado agotada"),
    (
        "new",
        "new newest latest recent last ultimo ultima reciente nuevo nueva",
    ),
    (
        "old",
        "old oldest earliest first antiguo antigua primero primera viejo",
    ),
    ("count", "count cuanto cuanta many numero number"),
    ("total", "total sum suma overall"),
    ("average", "average avg mean promedio media medio"),
    (
        "discontinued",
        "discontinued descontinuado descontinuada descatalogado",
    ),
    ("hire", "hire hired contratado contratada"),
    ("birth", "birth born nacido nacida nacimiento"),
    (
        "table",
        "table tabla column columna schema esquema field campo",
    ),
];

const STOP_WORDS: &str = "a al an and any are as at be been by che con cual cuales da dame de del \
    did do does donde each el ella ellos en entre es esta estan este fue fueron for from ha had \
    hacia han has hasta have hay her his how i in into is it its la las le les list lo los me \
    muestra muestrame my nos not of on or our para per please por que quien quienes se ser sin \
    show so son su sus tell than that the their them they this to tiene tienen todo todos todas \
    un una uno unos unas us was we were what when where which who whose will with y ya you all \
    find give get busca buscar encuentra lista our there made placed hecho hechos between about \
    sobre named called llamado llamada \
    llamados llamadas nuestro \
    nuestros nuestra nuestras much mucho mucha muchos muchas only solo provide provides \
    yet still todavia aun hubo habia hemos tenemos tengo hicieron hizo been can puedes could would \
    euros euro eur dollars dollar dolares dolar usd than";

const MONTHS: [&str; 12] = [
    "january enero jan",
    "february febrero feb",
    "march marzo mar",
    "april abril apr",
    "may mayo",
    "june junio jun",
    "july julio jul",
    "august agosto aug",
    "september septiembre setiembre sep",
    "october octubre oct",
    "november noviembre nov",
    "december diciembre dec",
];

const NUMBERS: [(u32, &str); 9] = [
    (2, "two dos"),
    (3, "three tres"),
    (4, "four cuatro"),
    (5, "five cinco"),
    (6, "six seis"),
    (7, "seven siete"),
    (8, "eight ocho"),
    (10, "ten diez"),
    (20, "twenty veinte"),
];

const TRANSLATIONS: &[(&str, &str)] = &[
    ("alemania", "Germany"),
    ("austria", "Austria"),
    ("belgica", "Belgium"),
    ("brasil", "Brazil"),
    ("canada", "Canada"),
    ("dinamarca", "Denmark"),
    ("espana", "Spain"),
    ("finlandia", "Finland"),
    ("francia", "France"),
    ("irlanda", "Ireland"),
    ("italia", "Italy"),
    ("japon", "Japan"),
    ("londres", "London"),
    ("noruega", "Norway"),
    ("paises bajos", "Netherlands"),
    ("polonia", "Poland"),
    ("reino unido", "UK"),
    ("estados unidos", "USA"),
    ("suecia", "Sweden"),
    ("suiza", "Switzerland"),
    ("bebidas", "Beverages"),
    ("carnes", "Meat"),
    ("condimentos", "Condiments"),
    ("dulces", "Confections"),
    ("lacteos", "Dairy"),
    ("mariscos", "Seafood"),
    ("queso", "Cheese"),
    ("ropa", "Clothing"),
    ("bicicletas", "Bikes"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_and_numbers_of_a_word_are_one_concept() {
        for words in [
            &["Clientes", "cliente", "customers", "Customer"][..],
            &["Proveedores", "supplier"],
            &["Categorías", "categories", "Category"],
            &["países", "country", "Countries"],
            &["Ciudades", "city"],
            &["ventas", "Sales", "ingresos", "revenue"],
            &["Territories", "territorio"],
            &["mejores", "top", "mayores"],
        ] {
            let concepts: Vec<_> = words.iter().map(|word| concept(&fold(word))).collect();
            assert!(
                concepts.iter().all(|concept| *concept == concepts[0]),
                "{words:?} are {concepts:?}"
            );
        }
    }

    #[test]
    fn words_of_no_list_still_lose_their_plural() {
        assert_eq!(concept("warehouses"), concept("warehouse"));
        assert_eq!(concept("companies"), concept("company"));
        assert_ne!(concept("status"), concept("stat"));
    }
}
